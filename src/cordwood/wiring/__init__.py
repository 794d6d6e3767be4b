"""Where a deployment is put together, and the only place that knows every concrete name. `services` says what runs, and
reads like the picture in the README; it asks `opened` for parts, which `parts` finds by their URLs; `endpoints` says
which service answers what, and `serving` how a service takes its port, and leaves it.
"""
