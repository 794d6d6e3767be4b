"""A service's own logs, sent to a Cordwood while it runs."""

import contextlib
from collections.abc import Callable, Iterator

import structlog

from cordwood.config import redacted
from cordwood.errors import ConfigError
from cordwood.logs import LogSettings, configure_logs
from cordwood.tracing.context import NOT_SAMPLED

log = structlog.get_logger()

_TAKE_LOGS = ("up", "api")


@contextlib.contextmanager
def sent_logs(name: str, settings: LogSettings, announce: Callable[[str], None]) -> Iterator[Callable[[str], None]]:
    """Send the lines of the service `name`, if that is wanted, once it is announced. Raises ConfigError."""
    if not settings.to:
        yield announce
        return
    if settings.to == "self" and name not in _TAKE_LOGS:
        raise ConfigError(
            f"log.to is self, and the {name} service takes no logs", hint="set CORDWOOD_LOG_TO to an api service's URL"
        )
    # Here, as only who sends is to load it.
    from cordwood.client.http import Api
    from cordwood.client.own_logs import OwnLogs

    key = settings.api_key or None
    elsewhere = None if settings.to == "self" else Api(settings.to, key, traceparent=NOT_SAMPLED)
    own = OwnLogs(name)
    configure_logs(settings, own.note)

    def announced(url: str) -> None:
        own.start(elsewhere or Api(url, key, traceparent=NOT_SAMPLED))
        log.info("own_logs_begin", process=name, to=redacted(settings.to))
        announce(url)

    try:
        yield announced
    finally:
        own.stop()
