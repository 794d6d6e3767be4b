"""The list of plugins; each keeps one concern."""

import signal

from hypothesis import settings

pytest_plugins = ["tests.support.fixtures"]

# A shell's background job begins with SIGINT ignored, and so would all that tests start and end by it.
signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes says more about the machine than about the code.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
