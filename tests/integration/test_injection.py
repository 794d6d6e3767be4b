"""What is sent stays data: in SQL, in paths, in headers of answers."""

import http.client
import json
import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote, urlencode
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cordwood.errors import BadRequest
from cordwood.model.plan import Position
from cordwood.model.tenant import tenant
from cordwood.query.parameters import cursor_of
from tests.support.processes import Cordwood
from tests.support.wire import exchange

SQL = [
    "' OR 1=1 --", "'; DROP TABLE logs; --", '"; DROP TABLE segments; --', "' UNION SELECT 1,2,3,4,5,6 --", "\\'; --",
    "$1", "$text0", "$path0_0", "$files", "?", "%", "_", "%s", ":1", "{}", "{0}", "{text}", "$$", "$tag$", "/*", "*/",
    "E'\\x27'", "\\", "\\\\", '"', '""', "'", "''", "`", ";", "read_csv('/etc/passwd')", "COPY logs TO '/tmp/x'",
    "a' AND pg_sleep(60) --", "0x27", "\u02bc OR 1=1", "\uff07 OR 1=1", "NULL", "true", "1e999", "-0", "0", "NaN",
]  # fmt: skip
PATHS = [
    "$",
    "$.a",
    "$[0]",
    "$..*",
    "*",
    "#",
    "a.*",
    "a[0]",
    "/a",
    "/",
    "~0",
    "~1",
    "a~b",
    "..",
    "a..b",
    ".",
    "a.",
    ".a",
]
ODD = ["\x00", "a\x00b", "\n", "\r\n", "\t", "\x1b[31m", "\x7f", "\x9b", "\u202e", "\u2028", "🪵", "é", "e\u0301", " "]
QUESTIONS = int(os.environ.get("CORDWOOD_TEST_QUESTIONS", "150"))
TEXTS = [*SQL, *PATHS, *ODD, "\ufeff", "x" * 5000, ".".join("abcdefghij")]
_QUIET = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@pytest.fixture(params=["embedded", "services"])
def up(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Cordwood]:
    urls = request.getfixturevalue("service_urls") if request.param == "services" else {}
    with Cordwood("up", tmp_path / "data", **urls) as process:
        yield process
        assert "request_failed" not in process.log()


def found(up: Cordwood, field: str, value: str) -> list[dict[str, str]]:
    filtered = f"{json.dumps(field)}:{value}"
    return [each["data"] for each in up.json("/api/v1/query?" + urlencode({"filter": filtered}))["events"]]


def test_fields_and_values_are_never_part_of_a_query(up: Cordwood) -> None:
    by_value = [{"value": text} for text in TEXTS]
    by_field = [{text: "here"} for text in TEXTS]
    sent = "\n".join(json.dumps(event) for event in [*by_value, *by_field])
    status, answer = up.post("/log?wait=stored", sent.encode())
    assert (status, json.loads(answer)["accepted"]) == (202, 2 * len(TEXTS))
    for text in TEXTS:
        assert found(up, "value", text) == [{"value": text}]
        assert found(up, text, "here") == [{text: "here"}]
    assert up.count() == 2 * len(TEXTS)


@pytest.mark.timeout(3600)
def test_any_question_is_answered_or_refused(up: Cordwood) -> None:
    assert up.post("/log?wait=stored", b'{"level":"error","a":{"b":1e999},"n":0}')[0] == 202
    texts = st.one_of(
        st.sampled_from(TEXTS), st.text(max_size=12), st.from_regex(r"-?\d{1,25}(\.\d+)?(e[+-]?\d{1,5})?")
    )
    times = st.one_of(
        st.sampled_from(
            ["-999999w", "0", "now", "0001-01-01", "9999-12-31T23:59:59.999999Z", "0001-01-01T00:00:00+14:00"]
        ),
        st.from_regex(r"-?\d{1,19}[smhdw]?", fullmatch=True),
        st.datetimes().map(lambda moment: moment.isoformat()),
        texts,
    )
    cursors = st.one_of(
        texts,
        st.builds(
            lambda timestamp_us, number: cursor_of(Position(timestamp_us, UUID(int=number))),
            st.integers(-(1 << 63), (1 << 63) - 1),
            st.integers(0, (1 << 128) - 1),
        ),
    )
    filters = st.builds(lambda field, text: f"{json.dumps(field)}:{text}", texts, texts) | texts
    asked = st.lists(
        st.one_of(
            st.tuples(st.sampled_from(["start", "end"]), times),
            st.tuples(st.just("cursor"), cursors),
            st.tuples(st.just("filter"), filters),
            st.tuples(st.just("limit"), st.integers(0, 10**12).map(str)),
        ),
        min_size=1,
        max_size=4,
        unique_by=lambda pair: pair if pair[0] == "filter" else pair[0],
    )

    @settings(max_examples=QUESTIONS, suppress_health_check=_QUIET)
    @given(asked, st.sampled_from(["query", "query/count"]))
    def answered(parameters: list[tuple[str, str]], path: str) -> None:
        query = urlencode([(name, text.encode(errors="replace")) for name, text in parameters])
        status, body = up.get(f"/api/v1/{path}?{query}")
        assert status in (200, 400), (parameters, body)

    answered()
    assert up.count() == 1


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cordwood]:
    with Cordwood("up", tmp_path_factory.mktemp("injection") / "data", log_format="text") as process:
        yield process


@pytest.mark.parametrize(
    "path",
    ["/../../../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/api/v1/events/..%2f..%2fetc%2fpasswd", "//etc/passwd",
     "/api/v1/events/../../../etc/passwd", "/..%5c..%5cwin.ini", "/api/v1/events/%00", "/file:///etc/passwd"],
)  # fmt: skip
def test_no_path_leads_to_a_file(one: Cordwood, path: str) -> None:
    with closing(http.client.HTTPConnection("127.0.0.1", one.port, timeout=10)) as client:
        client.request("GET", path)
        answer = client.getresponse()
        assert answer.status in (400, 404)
        assert b"root:" not in answer.read()


@given(
    st.one_of(
        st.text(), st.sampled_from(["..", ".", "a/b", "a\\b", "a\x00", "A", "tenant=x", "a" * 65, "a\n", "", "*"])
    )
)
def test_a_tenant_is_a_plain_word_or_refused(name: str) -> None:
    try:
        taken = tenant(name)
    except BadRequest:
        return
    assert set(taken) <= set("abcdefghijklmnopqrstuvwxyz0123456789-_")
    assert Path("root", f"tenant={taken}").parent == Path("root")


@pytest.mark.parametrize(
    "text", ["\r\nX-Injected: 1", "\nX-Injected: 1", "%0d%0aX-Injected:1", "\u560d\u560aX-Injected: 1"]
)
def test_no_header_of_an_answer_is_the_senders(one: Cordwood, text: str) -> None:
    escaped = quote(text)
    for target in (
        f"/{escaped}",
        f"/log?wait={escaped}",
        f"/api/v1/query?{escaped}={escaped}",
        f"/api/v1/events/{escaped}",
    ):
        for method in ("GET", "POST", "DELETE"):
            request = (
                f"{method} {target} HTTP/1.1\r\nHost: evil.example\r\nX-Api-Key: {escaped}\r\nConnection: close\r\n"
            )
            head = exchange(one, f"{request}Content-Length: 0\r\n\r\n".encode()).partition(b"\r\n\r\n")[0].lower()
            names = {line.partition(b":")[0] for line in head.split(b"\r\n")[1:]}
            assert names <= {b"content-type", b"content-length", b"connection", b"date", b"allow", b"retry-after"}
            assert b"evil.example" not in head


def test_an_address_with_a_slash_too_many_leads_nowhere_else(one: Cordwood) -> None:
    for target in (b"/health/", b"//evil.example/health/", b"/api/v1/query/"):
        said = exchange(one, b"GET " + target + b" HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n")
        assert said.startswith(b"HTTP/1.1 404 ")
        assert b"location" not in said.lower()
