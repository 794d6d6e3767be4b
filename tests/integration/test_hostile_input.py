"""Bad input over HTTP ends well: a clear answer, the other events stored, the process alive."""

import contextlib
import gzip
import http.client
import json
import socket
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from cordwood.model.zstd import compress
from tests.support.processes import Cordwood
from tests.support.waiting import wait_until


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cordwood]:
    with Cordwood("up", tmp_path_factory.mktemp("hostile") / "data", http_body_timeout_s="1.5") as process:
        yield process


def problem(answer: tuple[int, bytes]) -> tuple[int, str]:
    """The status and the problem's type; every problem says what happened, and agrees with its status."""
    status, body = answer
    told = json.loads(body)
    assert told["status"] == status
    assert told["title"]
    assert told["detail"]
    return status, told["type"].removeprefix("urn:cordwood:problem:")


@pytest.fixture(autouse=True)
def still_alive(up: Cordwood) -> Iterator[None]:
    yield
    status, answer = up.post("/api/v1/ingest?wait=stored", b'{"alive":true}')
    assert (status, json.loads(answer)["accepted"]) == (202, 1)


def test_a_bad_line_among_ten_thousand(up: Cordwood) -> None:
    before = up.count()
    lines = [b'{"n":%d}' % n for n in range(10_000)]
    lines[5000] = b'{"n":}'
    status, body = up.post("/api/v1/ingest?wait=stored", b"\n".join(lines))
    answer = json.loads(body)
    assert (status, answer["accepted"], answer["rejected"]) == (202, 9_999, 1)
    assert (answer["errors"][0]["index"], answer["errors"][0]["line"]) == (5000, 5001)
    assert up.count() == before + 9_999


def test_errors_beyond_a_hundred_are_counted(up: Cordwood) -> None:
    status, body = up.post("/log", b"x\n" * 250)
    answer = json.loads(body)
    assert (status, answer["accepted"], answer["rejected"]) == (400, 0, 250)
    assert (len(answer["errors"]), answer["errors_omitted"]) == (100, 150)


@pytest.mark.parametrize("body", [b"", b"[]", b"[1,2,3]", b'{"a":', b"\xff\xfe", b"{" * 100_000])
def test_nothing_good_is_400(up: Cordwood, body: bytes) -> None:
    assert problem(up.post("/log", body)) == (400, "bad_request")


@pytest.mark.parametrize(
    ("encoding", "body", "status"),
    [
        ("gzip", gzip.compress(bytes(1 << 30), 9), 413),
        ("deflate", zlib.compress(bytes(1 << 28), 9), 413),
        ("zstd", compress(bytes(1 << 30)), 413),
        ("gzip", gzip.compress(b'{"n":1}' * 1000)[:-20], 400),
        ("zstd", compress(b'{"n":1}' * 1000)[:-4], 400),
        ("gzip", b"this is no gzip", 400),
        ("br", b"x", 415),
        ("gzip, gzip", b"x", 415),
    ],
    ids=lambda value: f"{len(value)}B" if isinstance(value, bytes) else str(value),
)
def test_hostile_compression(up: Cordwood, encoding: str, body: bytes, status: int) -> None:
    assert problem(up.post("/log", body, **{"Content-Encoding": encoding}))[0] == status


def test_a_body_over_the_limit_is_413(up: Cordwood) -> None:
    assert problem(up.post("/log", b" " * ((64 << 20) + 1))) == (413, "too_large")


def test_a_20_mb_line_is_named_and_its_neighbours_are_kept(up: Cordwood) -> None:
    body = b'{"n":1}\n{"m":"' + b"x" * (20 << 20) + b'"}\n{"n":2}'
    status, answer = up.post("/log", body)
    told = json.loads(answer)
    assert (status, told["accepted"], told["rejected"]) == (202, 2, 1)
    assert told["errors"][0]["line"] == 2


def test_another_media_type_is_415(up: Cordwood) -> None:
    answer = up.post("/log", b"\x0a\x00", **{"Content-Type": "application/x-protobuf"})
    assert problem(answer) == (415, "unsupported_media")


@pytest.mark.parametrize("path", ["/log", "/api/v1/ingest"])
def test_another_method_is_405(up: Cordwood, path: str) -> None:
    assert problem(up.get(path)) == (405, "method_not_allowed")


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/query?limit=0",
        "/api/v1/query?limit=x",
        "/api/v1/query?limit=10001",
        "/api/v1/query?start=yesterday",
        "/api/v1/query?start=2&end=1",
        "/api/v1/query?cursor=AAAA",
        "/api/v1/query?cursor=%00",
        "/api/v1/query?filter=level",
        "/api/v1/query?filter=%22a:b",
        "/api/v1/query?limit=1&limit=2",
        "/api/v1/query?lmit=1",
        "/api/v1/events/nonsense",
        "/log?wat=1",
    ],
)
def test_a_wrong_question_is_400_and_says_what_to_do(up: Cordwood, path: str) -> None:
    answer = up.post(path, b"{}") if path.startswith("/log") else up.get(path)
    assert problem(answer) == (400, "bad_request")


def test_what_does_not_exist_is_404(up: Cordwood) -> None:
    assert problem(up.get("/nowhere")) == (404, "not_found")
    assert problem(up.get("/api/v1/events/01a20a6b-c8b6-7685-a68b-aa6e00000000")) == (404, "not_found")


@pytest.mark.parametrize(
    "value",
    ["' OR 1=1 --", "$text0", "%", "a\nb", "\x1b[31m", "🪵", '"; DROP TABLE segments; --', "{}", "\\"],
)
def test_a_filter_value_is_only_ever_a_value(up: Cordwood, value: str) -> None:
    event = {"odd": value, value or "x": "odd"}
    assert up.post("/log?wait=stored", json.dumps(event).encode())[0] == 202
    from urllib.parse import urlencode

    field = json.dumps(value)
    for asked in (f"odd:{value}", f"{field}:odd"):
        found = up.json("/api/v1/query?" + urlencode({"filter": asked, "limit": 1}))
        assert [each["data"] for each in found["events"]] == [event]


def test_a_client_that_stops_mid_body_leaves_nothing(up: Cordwood) -> None:
    before = up.count()
    with socket.create_connection(("127.0.0.1", up.port)) as client:
        client.sendall(b'POST /log HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{"n":1}\n')
    wait_until(
        lambda: b"cordwood_ingest_in_flight_bytes 0.0" in up.get("/metrics")[1], 10, "its memory to be given back"
    )
    assert up.count() == before


def test_a_body_that_never_ends_is_408(up: Cordwood) -> None:
    with socket.create_connection(("127.0.0.1", up.port)) as client:
        client.sendall(b'POST /log HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{"n":1}\n')
        client.settimeout(10)
        assert client.recv(4096).startswith(b"HTTP/1.1 408 ")


def test_a_streamed_body_is_taken(up: Cordwood) -> None:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", up.port, timeout=10)) as client:
        parts = iter([b'{"streamed"', b":1}\n{", b'"streamed":2}'])
        client.request("POST", "/log", parts, encode_chunked=True, headers={"Transfer-Encoding": "chunked"})
        response = client.getresponse()
        assert (response.status, json.loads(response.read())["accepted"]) == (202, 2)


def test_too_many_bytes_in_flight_is_429_before_memory_grows(tmp_path: Path) -> None:
    with (
        Cordwood("up", tmp_path / "data", ingest_max_in_flight_bytes="1000000") as small,
        socket.create_connection(("127.0.0.1", small.port)) as holder,
    ):
        holder.sendall(b"POST /log HTTP/1.1\r\nHost: x\r\nContent-Length: 400001\r\n\r\n" + b" " * 400_000)
        wait_until(lambda: b"cordwood_ingest_in_flight_bytes 400000.0" in small.get("/metrics")[1], 10)
        assert problem(small.post("/log", b" " * 200_000)) == (429, "overloaded")
        assert small.post("/log", b"{}")[0] == 202
        holder.close()
        wait_until(lambda: small.post("/log", b'{"pad":"' + b" " * 200_000 + b'"}')[0] == 202, 10)


def test_a_tenant_that_floods_with_slow_bodies_keeps_nobody_out(tmp_path: Path) -> None:
    greedy, modest = "0123456789abcdef-greedy", "0123456789abcdef-modest"
    with (
        Cordwood(
            "up",
            tmp_path / "data",
            ingest_max_in_flight_bytes="1000000",
            tenancy_api_keys=f"greedy:{greedy},modest:{modest}",
        ) as small,
        contextlib.ExitStack() as flood,
    ):
        head = f"POST /log HTTP/1.1\r\nHost: x\r\nX-API-Key: {greedy}\r\nContent-Length: 100001\r\n\r\n".encode()
        for _ in range(20):
            slow = flood.enter_context(socket.create_connection(("127.0.0.1", small.port)))
            slow.sendall(head + b" " * 100_000)
        wait_until(lambda: b"cordwood_ingest_in_flight_bytes 500000.0" in small.get("/metrics")[1], 10)
        body = b'{"pad":"' + b"x" * 200_000 + b'"}'
        for _ in range(10):
            assert small.post("/log", body, **{"X-API-Key": modest})[0] == 202
        status, told = small.post("/log", body, **{"X-API-Key": greedy})
        assert status == 429
        assert "the tenant greedy hold" in json.loads(told)["detail"]
