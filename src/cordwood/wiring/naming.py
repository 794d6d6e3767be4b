"""What is said where a URL names no part, or one whose driver is not there."""

from cordwood.config import redacted
from cordwood.errors import ConfigError


def unknown(part: str, url: str, known: str) -> ConfigError:
    return ConfigError(f"{part}.url {redacted(url)!r} has a scheme that is not known", hint=f"known are {known}")


def missing_extra(extra: str, error: ModuleNotFoundError) -> ConfigError:
    return ConfigError(f"the module {error.name!r} is not installed", hint=f"install 'cordwood[{extra}]'")
