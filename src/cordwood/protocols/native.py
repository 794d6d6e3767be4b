"""Our own JSON protocol: one object, an array, or NDJSON, told apart by looking.

The Content-Type is not believed: `curl -d` says it sends a form.
"""

from cordwood.errors import BadRequest, UnsupportedMedia
from cordwood.protocols import json_array, ndjson
from cordwood.protocols.check import error_of
from cordwood.protocols.decoded import Chunk, Decoded, Limits

NAME = "json"

_BOM = b"\xef\xbb\xbf"
_TEXTUAL = ("json", "text/", "x-www-form-urlencoded", "octet-stream", "javascript")


def decode(body: bytes, content_type: str, limits: Limits) -> Decoded:
    """Read a request body. CPU-heavy above some 100 kB: call it in a thread.

    Raises BadRequest (empty, or a broken array) and UnsupportedMedia (no JSON, and another type announced).
    """
    # Most requests by number: one event with no white space around it. Half the work of looking closer.
    is_line = body.startswith(b"{") and body.endswith(b"}") and b"\n" not in body and b"\r" not in body
    if is_line and error_of(body, limits) is None:
        return Decoded((Chunk(body + b"\n", 1),), ())
    start = len(_BOM) if body.startswith(_BOM) else 0
    while start < len(body) and body[start] in b" \t\r\n":
        start += 1
    if start == len(body):
        raise BadRequest("the body holds no events", hint="send a JSON object, an array of objects, or NDJSON")
    first = body[start : start + 1]
    if first == b"[":
        decoded = json_array.decode(body[start:], limits)
        if not decoded.chunks and not decoded.rejects:
            raise BadRequest("the array holds no events", hint="send at least one JSON object")
        return decoded
    if first != b"{" and content_type and not any(word in content_type.lower() for word in _TEXTUAL):
        raise UnsupportedMedia(
            f"content type {content_type!r} is not taken here",
            hint="send JSON: an object, an array of objects, or NDJSON (application/x-ndjson)",
        )
    # Leading blank lines stay, so that line numbers are those of the sender.
    decoded = ndjson.decode(body.removeprefix(_BOM), limits)
    if decoded.rejects and first == b"{":
        return json_array.decode_object(body[start:], limits) or decoded
    return decoded
