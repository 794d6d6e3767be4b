"""JSON whose numbers keep their spelling: no digits are lost to a float."""

import json
from typing import Any


class Number(str):
    """A JSON number as it is spelt."""


def parsed(text: bytes) -> Any:
    """A JSON value; numbers in it are `Number`."""
    return json.loads(text, parse_float=Number, parse_int=Number)


def json_text(value: object) -> str:
    """The same as JSON again, without blanks."""
    match value:
        case Number():
            return value
        case list():
            return f"[{','.join(map(json_text, value))}]"
        case dict():
            return f"{{{','.join(f'{json_text(name)}:{json_text(inner)}' for name, inner in value.items())}}}"
        case _:
            return json.dumps(value, ensure_ascii=False)
