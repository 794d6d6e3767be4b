"""The way of a request, seen from outside: spans that one trace id joins, from a sender's `traceparent` to the commit.

`interface` is what the services ask, `span` what is recorded, `context` how it travels (W3C Trace Context), `off` the
tracer that does nothing. `recorder` makes spans, `otlp` their bytes, and `exporter` sends them to a collector.
"""
