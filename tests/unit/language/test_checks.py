"""Fields that no event has."""

import pytest

from cordwood.language.checks import unknown_fields
from cordwood.language.parser import parse_noting

KNOWN = ["http.status", "http.duration_ms", "host", "tags", "user id"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("http.status:5 host:x level:info timestamp:>-1h _id:* tags.0:x http:*", []),
        ("http.statsu:5", [("http.statsu", "http.status")]),
        ("hots:x OR user_id:5", [("hots", "host"), ("user_id", "user id")]),
        ("zzz:1", [("zzz", None)]),
        (".level:x", [("level", "level")]),
        ("| stats count() as n by host | sort -n", []),
        ("| stats count() as n by hots | sort hots", [("hots", "host")]),
        ("| eval a = host, b = a | stats max(b) by a", []),
        ("| eval k = hosst | where k > 1", [("hosst", "host")]),
        ('| extract "<ms>" | stats avg(ms)', []),
        ("| rename host as h | top h", []),
        ("| patterns | sort -last_seen", []),
        ("| fields host, http.*, hostt", [("hostt", "host")]),
    ],
)
def test_the_nearest_name_is_told(text: str, found: list[tuple[str, str | None]]) -> None:
    parsed = parse_noting(text, 0)
    unknown = unknown_fields(parsed.search, parsed.mentions, KNOWN)
    assert [(each.name, each.suggestion) for each in unknown] == found
    assert all(text[each.start : each.end].endswith(each.name) for each in unknown)
