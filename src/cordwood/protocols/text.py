"""Text lines → events: plain, or read by one of the line formats. No line is lost, whatever is in it."""

import base64
from typing import Literal

import msgspec

from cordwood.protocols import combined, logfmt
from cordwood.protocols.check import error_of
from cordwood.protocols.decoded import Limits

LineFormat = Literal["text", "combined", "logfmt", "auto"]

_encoder = msgspec.json.Encoder()
_OWN_MESSAGE = ("message", "msg")


def event_of(line: bytes, line_format: LineFormat, limits: Limits) -> tuple[bytes, bool]:
    """One line, without its line break, as one JSON object, and whether it follows the format.

    A line that does not follow the format becomes `{"message": line}`. `auto` decides for each line: a JSON
    object within `limits` is passed on as it is, then access log lines and logfmt are recognised. An event has the
    whole line as `message`, unless its format gave it a message of its own. Of a line that is not UTF-8 the
    message shows the offending bytes as `\\xNN`, and `message_base64` has the line's own bytes.
    """
    if line_format == "auto" and line.lstrip(b" \t")[:1] == b"{" and error_of(line, limits) is None:
        return line, True
    try:
        text = line.decode()
    except UnicodeDecodeError:
        return _from_bytes(line, line_format)
    if line_format == "text":
        return _encoder.encode({"message": text}), True
    found = _fields(text, line_format)
    return _encoder.encode(found or {"message": text}), found is not None or line_format == "auto"


def _from_bytes(line: bytes, line_format: LineFormat) -> tuple[bytes, bool]:
    text = line.decode(errors="backslashreplace")
    found = _fields(text, line_format)
    # A key of the line's own would hide the bytes.
    fields = {"message": text} if found is None or "message_base64" in found else found
    event = _encoder.encode({**fields, "message_base64": base64.b64encode(line).decode()})
    return event, found is not None or line_format in ("text", "auto")


def _fields(text: str, line_format: LineFormat) -> dict[str, object] | None:
    found: dict[str, object] | None = None
    if line_format in ("combined", "auto"):
        found = combined.parse(text)
    if found is None and line_format in ("logfmt", "auto"):
        found = logfmt.parse(text)
        if found is not None and line_format == "auto" and not logfmt.looks_like(found):
            found = None
    if found is None:
        return None
    return found if any(name in found for name in _OWN_MESSAGE) else {**found, "message": text}
