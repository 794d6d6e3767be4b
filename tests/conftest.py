"""The list of plugins; each keeps one concern."""

pytest_plugins = ["tests.support.fixtures"]
