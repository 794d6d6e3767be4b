"""A JSON body that asks for something to be done."""

from typing import TypeVar

import msgspec
from starlette.requests import Request

from cordwood.errors import BadRequest, UnsupportedMedia

_MAX_BODY_BYTES = 4 << 20
T = TypeVar("T")


async def json_body(request: Request, kind: type[T], hint: str = "see docs/reference/http.md") -> T:
    """Read it. Its type must be announced: a page of another origin may not do that unasked.

    Raises UnsupportedMedia, BadRequest.
    """
    if not request.headers.get("content-type", "").startswith("application/json"):
        raise UnsupportedMedia("this takes a JSON body", hint="send 'Content-Type: application/json'")
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MAX_BODY_BYTES:
            raise BadRequest(f"the body has more than {_MAX_BODY_BYTES:,} bytes")
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.MsgspecError as error:
        raise BadRequest(f"the body is not what this takes: {error}", hint=hint) from error
