"""A batch as an AMQP message, and back. `docs/reference/batch-format.md` describes it for other consumers."""

from datetime import UTC, datetime
from uuid import UUID

import aiormq
import msgspec
from aiormq.abc import DeliveredMessage

from cordwood.errors import Corrupt
from cordwood.model.batch import Batch, BatchHeader

_TYPE = "cordwood.batch"
_PREFIX = "x-cordwood-"
_TRACEPARENT = "traceparent"
"""Without our prefix: where other tracing programs put it, and look for it, too (W3C Trace Context for AMQP)."""
REASON = "x-cordwood-reason"
_PERSISTENT = 2
_TRANSIENT = 1
_REASON_CHARACTERS = 1000
# RabbitMQ would send copies to the queues that these name.
_ROUTING_HEADERS = frozenset({"CC", "BCC"})


def properties_of(header: BatchHeader, *, reply_to: str | None = None) -> aiormq.spec.Basic.Properties:
    """The header as message properties and `x-cordwood-…` headers."""
    fields = msgspec.to_builtins(header)
    batch_id, traceparent = fields.pop("id"), fields.pop("traceparent")
    headers = {_PREFIX + name.replace("_", "-"): value for name, value in fields.items() if value is not None}
    if traceparent is not None:
        headers[_TRACEPARENT] = traceparent
    return aiormq.spec.Basic.Properties(
        message_id=batch_id,
        message_type=_TYPE,
        app_id="cordwood",
        content_type="application/x-ndjson",
        content_encoding="zstd",
        delivery_mode=_PERSISTENT,
        timestamp=datetime.fromtimestamp(header.received_at_us // 1_000_000, UTC),
        reply_to=reply_to,
        headers=headers,
    )


def batch_of_message(message: DeliveredMessage) -> Batch:
    """Raises Corrupt for a message that is no batch."""
    properties = message.header.properties
    headers = properties.headers or {}
    fields = {
        name.removeprefix(_PREFIX).replace("-", "_"): value
        for name, value in headers.items()
        if name.startswith(_PREFIX)
    }
    if isinstance(traceparent := headers.get(_TRACEPARENT), str):  # others may set it, too
        fields["traceparent"] = traceparent
    try:
        return Batch(msgspec.convert({"id": properties.message_id, **fields}, BatchHeader), message.body)
    except msgspec.ValidationError as error:
        raise Corrupt(f"message {properties.message_id!r} is no batch: {error}") from error


def dead_properties(message: DeliveredMessage, reason: str) -> aiormq.spec.Basic.Properties:
    """The message's own properties with the reason: what others may have set that would make RabbitMQ expire,
    copy or refuse the dead letter is left out."""
    old = message.header.properties
    headers = {name: value for name, value in (old.headers or {}).items() if name not in _ROUTING_HEADERS}
    return aiormq.spec.Basic.Properties(
        message_id=old.message_id,
        message_type=old.message_type,
        app_id=old.app_id,
        content_type=old.content_type,
        content_encoding=old.content_encoding,
        delivery_mode=_PERSISTENT,
        timestamp=old.timestamp,
        headers={**headers, REASON: reason[:_REASON_CHARACTERS]},
    )


def settlement_properties(message: DeliveredMessage) -> aiormq.spec.Basic.Properties:
    """Of the answer to who watches the batch in `message`."""
    return aiormq.spec.Basic.Properties(correlation_id=message.header.properties.message_id, delivery_mode=_TRANSIENT)


def settled_id(message: DeliveredMessage) -> UUID | None:
    """The batch id that a settlement message is about."""
    try:
        return UUID(message.header.properties.correlation_id or "")
    except ValueError:
        return None
