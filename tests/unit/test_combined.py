"""Access log lines: what is read, and what is left alone."""

import pytest

from cordwood.model.event import format_timestamp, parse_timestamp
from cordwood.protocols.combined import parse

COMBINED = (
    '203.0.113.9 - frank [10/Oct/2000:13:55:36 -0730] "GET /a.gif?x=1 HTTP/1.0" 200 2326 '
    '"http://www.example.com/start.html" "Mozilla/4.08 [en] (Win98; I)"'
)


def line(
    *, who: str = "192.0.2.1 - -", time: str = "01/Feb/2026:03:04:05 +0000", request: str = "GET / HTTP/1.1",
    rest: str = '200 5 "-" "-"',
) -> str:  # fmt: skip
    return f'{who} [{time}] "{request}" {rest}'


def test_a_combined_line_becomes_typed_fields_and_keeps_itself():
    assert parse(COMBINED) == {
        "timestamp": "2000-10-10T13:55:36-07:30",
        "message": COMBINED,
        "remote_addr": "203.0.113.9",
        "user": "frank",
        "method": "GET",
        "path": "/a.gif?x=1",
        "protocol": "HTTP/1.0",
        "status": 200,
        "bytes": 2326,
        "referer": "http://www.example.com/start.html",
        "user_agent": "Mozilla/4.08 [en] (Win98; I)",
    }


def test_the_timestamp_is_one_that_the_platform_reads():
    event = parse(COMBINED)
    assert event is not None
    moment = parse_timestamp(str(event["timestamp"]))
    assert moment is not None
    assert format_timestamp(moment) == "2000-10-10T21:25:36.000000Z"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (line(who="::1 - -"), {"remote_addr": "::1"}),
        (line(who="192.0.2.1 - John Q Public"), {"remote_addr": "192.0.2.1", "user": "John Q Public"}),
        (line(who="192.0.2.1 ident user"), {"ident": "ident", "user": "user"}),
        (line(who="www.example.com:443 192.0.2.1 - -"), {"vhost": "www.example.com:443", "remote_addr": "192.0.2.1"}),
        (line(rest="200 -"), {"bytes": None, "status": 200}),
        (line(rest='200 7 "-" "agent" "10.0.0.1, 10.0.0.2" 0.001'), {"bytes": 7, "user_agent": "agent"}),
        (line(request=r"GET /say?\"hi\" HTTP/1.1"), {"path": r"/say?\"hi\"", "protocol": "HTTP/1.1"}),
        (line(request="GET /a b c HTTP/1.1"), {"path": "/a b c"}),
        (line(request="GET /"), {"method": "GET", "path": "/"}),
        (line(request=r"\x16\x03\x01\x02"), {"request": r"\x16\x03\x01\x02"}),
        (line(rest=r'200 5 "-" "a \"quoted\" agent"'), {"user_agent": r"a \"quoted\" agent"}),
    ],
)
def test_variants_of_the_format_are_read(given, expected):
    event = parse(given)
    assert event is not None
    assert event["message"] == given
    assert {name: event[name] for name in expected} == expected


def test_what_the_server_did_not_know_is_left_out():
    assert set(parse(line(request="-")) or ()) == {"timestamp", "message", "remote_addr", "status", "bytes"}


@pytest.mark.parametrize(
    "given",
    [
        "",
        "a plain line",
        '192.0.2.1 - - [not a time] "GET / HTTP/1.1" 200 5',
        line(time="01/Xyz/2026:03:04:05 +0000"),
        line(rest="two 5"),
        '192.0.2.1 - - [01/Feb/2026:03:04:05 +0000] "GET / HTTP/1.1 200 5',
        "Feb  1 03:04:05 host sshd[1]: Accepted password",
    ],
)
def test_other_lines_are_not_taken_for_access_logs(given):
    assert parse(given) is None


@pytest.mark.timeout(20)
@pytest.mark.parametrize("unit", ["- ", '" "', '\\"', "a b [", "[01/Feb/2026:03:04:05 +0000] "])
def test_hostile_lines_take_linear_time(unit):
    parse("192.0.2.1 - - " + unit * 100_000)
    parse(line(request=unit * 100_000))
    parse(line(who="192.0.2.1 - - " + unit * 100_000))
