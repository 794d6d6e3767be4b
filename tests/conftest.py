"""The list of plugins; each keeps one concern."""

from hypothesis import settings

pytest_plugins = ["tests.support.fixtures"]

# How long an example takes says more about the machine than about the code.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
