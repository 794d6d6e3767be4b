"""The platform's own logs: structured, one line an event, to standard error."""

import logging
import sys
from typing import Annotated, Literal

import msgspec
import structlog
from msgspec import Meta, Struct


class LogSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the platform says about itself."""

    level: Annotated[Literal["debug", "info", "warning", "error"], Meta(description="least severe level shown")] = (
        "info"
    )
    format: Annotated[
        Literal["auto", "json", "text"], Meta(description="json, text, or auto: text on a terminal, else json")
    ] = "auto"


def configure_logs(settings: LogSettings) -> None:
    """Set up structlog, and send the libraries' warnings through it."""
    level = logging.getLevelNamesMapping()[settings.level.upper()]
    is_text = settings.format == "text" or (settings.format == "auto" and sys.stderr.isatty())
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="timestamp"),
    ]
    renderer: list[structlog.typing.Processor]
    if is_text:
        renderer = [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
    else:
        renderer = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(serializer=_encode)]
    structlog.configure(
        processors=[*shared, *renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processors=[*_without_meta(), *renderer],
                                                             foreign_pre_chain=shared))  # fmt: skip
    # Libraries speak up for warnings only; what they log per connection is noise to an operator.
    # Our own link says the same once, with what to do.
    logging.getLogger("aiormq").setLevel(logging.CRITICAL)
    # A line for each request that is no HTTP would let strangers fill the log; a metric counts them.
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    logging.basicConfig(level=max(level, logging.WARNING), handlers=[handler], force=True)


def _without_meta() -> list[structlog.typing.Processor]:
    return [structlog.stdlib.ProcessorFormatter.remove_processors_meta]


def _encode(event: object, **_: object) -> str:
    return msgspec.json.encode(event, enc_hook=str).decode()
