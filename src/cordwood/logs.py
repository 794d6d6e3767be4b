"""The platform's own logs: structured, one line an event, to standard error."""

import logging
import sys
from collections.abc import Callable
from typing import Annotated, Literal, TextIO, cast

import msgspec
import structlog
from msgspec import Meta, Struct
from structlog.typing import EventDict, WrappedLogger

from cordwood.neutral import neutral, neutral_json
from cordwood.unfailing import Unfailing


class LogSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the platform says about itself."""

    level: Annotated[Literal["debug", "info", "warning", "error"], Meta(description="least severe level shown")] = (
        "info"
    )
    format: Annotated[
        Literal["auto", "json", "text"], Meta(description="json, text, or auto: text on a terminal, else json")
    ] = "auto"
    to: Annotated[
        str,
        Meta(
            description="Cordwood that these lines are sent to as well: the URL of an api service, or self, for up and "
            "api; none: they go to standard error only"
        ),
    ] = ""
    api_key: Annotated[
        str, Meta(description="key with the ingest scope, where keys are on; its tenant has the lines; a secret")
    ] = ""


def configure_logs(settings: LogSettings, note: Callable[[EventDict], None] | None = None) -> None:
    """Set up structlog, and send the libraries' warnings through it. `note` hears of every line, before it is written;
    it must not wait, nor change it."""
    level = logging.getLevelNamesMapping()[settings.level.upper()]
    is_text = settings.format == "text" or (settings.format == "auto" and sys.stderr.isatty())
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="timestamp"),
    ]
    renderer: list[structlog.typing.Processor]
    if is_text:
        # Not the usual tracebacks: they show variables, keys among them.
        plain = structlog.dev.plain_traceback
        renderer = [_neutralise, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)]
    else:
        renderer = [structlog.processors.JSONRenderer(serializer=_encode)]
    if note is not None:
        renderer.insert(0, _noted(note))
    renderer.insert(0, structlog.processors.format_exc_info)
    structlog.configure(
        processors=[*shared, *renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", Unfailing(sys.stderr))),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(Unfailing(sys.stderr))
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processors=[*_without_meta(), *renderer],
                                                             foreign_pre_chain=shared))  # fmt: skip
    # Libraries speak up for warnings only; what they log per connection is noise to an operator.
    # Our own link says the same once, with what to do.
    logging.getLogger("aiormq").setLevel(logging.CRITICAL)
    # A line for each request that is no HTTP would let strangers fill the log; a metric counts them.
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    logging.basicConfig(level=max(level, logging.WARNING), handlers=[handler], force=True)


def _noted(note: Callable[[EventDict], None]) -> structlog.typing.Processor:
    def processor(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        note(event)
        return event

    return processor


def _without_meta() -> list[structlog.typing.Processor]:
    return [structlog.stdlib.ProcessorFormatter.remove_processors_meta]


def _encode(event: object, **_: object) -> str:
    return neutral_json(msgspec.json.encode(event, enc_hook=str).decode())


def _neutralise(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Texts may come from outside. A traceback keeps its lines, but none can pass for one of ours."""
    exception = event.pop("exception", None)
    safe: EventDict = {
        neutral(name): neutral(value) if isinstance(value, str) else value for name, value in event.items()
    }
    if exception is not None:
        safe["exception"] = "\n".join("  | " + neutral(line) for line in str(exception).split("\n"))
    return safe
