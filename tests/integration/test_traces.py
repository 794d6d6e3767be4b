"""One trace id, from a sender's `traceparent` to the commit of what it sent."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pika  # type: ignore[import-untyped]
import pytest

from cordwood.tracing.context import NOT_SAMPLED
from tests.support.collector import Collector, Seen
from tests.support.metering import shown
from tests.support.processes import Cordwood
from tests.support.waiting import wait_until

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SAID = f"00-{TRACE}-{SPAN}-01"


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as listening:
        yield listening


@pytest.fixture(params=["embedded", "services"])
def running(
    request: pytest.FixtureRequest, tmp_path: Path, collector: Collector
) -> Iterator[tuple[Cordwood, Cordwood]]:
    """Where to send, and where to ask."""
    settings = {"tracing_endpoint": collector.url, "tracing_sample_rate": "0"}
    with ExitStack() as stack:
        if request.param == "embedded":
            up = stack.enter_context(Cordwood("up", tmp_path / "data", **settings))
            yield up, up
            return
        urls = {**request.getfixturevalue("service_urls"), **settings}
        assert Cordwood("migrate", tmp_path / "data", **urls).run().returncode == 0
        api, _, query = (
            stack.enter_context(Cordwood(name, tmp_path / "data", **urls)) for name in ("api", "worker", "query")
        )
        yield api, query


def arrived(collector: Collector, names: list[str], trace_id: str = TRACE) -> list[Seen]:
    wait_until(lambda: len(collector.spans(trace_id)) >= len(names), 15, f"{names}, and not {collector.names()}")
    spans = collector.spans(trace_id)
    assert [span.name for span in spans] == names
    return spans


def test_a_trace_reaches_from_the_sender_to_the_commit(
    running: tuple[Cordwood, Cordwood], collector: Collector
) -> None:
    api, query = running
    assert api.post("/api/v1/ingest?wait=stored", b'{"n":1}\n{"n":2}', traceparent=SAID)[0] == 202
    spans = arrived(collector, ["POST /api/v1/ingest", "publish batch", "deliver batch", "commit"])
    assert [span.parent for span in spans] == [SPAN, *(span.span_id for span in spans[:3])]
    request, publish, deliver, commit = spans
    assert request.attributes["http.response.status"] == "202"
    assert publish.attributes["cordwood.batch"] == deliver.attributes["cordwood.batch"]
    assert commit.attributes["cordwood.stored"] == "2"
    assert commit.ended_ns <= deliver.ended_ns
    assert all(span.failure is None for span in spans)
    services = {span.service for span in spans}
    assert services == ({"cordwood-up"} if api is query else {"cordwood-api", "cordwood-worker"})

    collector._spans.clear()
    query.json("/api/v1/query?query=n:1", traceparent=SAID)
    (asked,) = arrived(collector, ["GET /api/v1/query"])
    assert asked.parent == SPAN


def test_small_requests_go_the_long_way_when_they_are_traced_and_only_then(
    running: tuple[Cordwood, Cordwood], collector: Collector
) -> None:
    api, query = running
    for said in (NOT_SAMPLED, "nonsense"):
        assert api.post("/log", b'{"n":0}', traceparent=said)[0] == 202
    assert api.post("/log", b'{"n":0}')[0] == 202
    assert json.loads(api.post("/log", b'{"n":1}', traceparent=SAID)[1])["accepted"] == 1
    arrived(collector, ["POST /log", "publish batch", "deliver batch", "commit"])
    wait_until(lambda: query.count() == 4, 10, "all events to be stored")
    assert {span.trace_id for span in collector.spans()} == {TRACE}


def test_looks_at_health_are_no_traces(running: tuple[Cordwood, Cordwood], collector: Collector) -> None:
    api, _ = running
    for path in ("/health", "/ready", "/metrics"):
        assert api.get(path, traceparent=SAID)[0] == 200
    assert api.post("/log", b"{", traceparent=SAID)[0] == 400
    (refused,) = arrived(collector, ["POST /log"])
    assert (refused.attributes["http.response.status"], refused.failure) == ("400", None)


def test_requests_that_share_a_batch_are_linked(tmp_path: Path, service_urls: dict[str, str]) -> None:
    """Nobody consumes while they wait for the broker, so they wait together; nor do several batches have one parent."""
    traces = [f"{n:032x}" for n in range(1, 5)]
    with Collector() as collector, ExitStack() as stack:
        urls = {**service_urls, "tracing_endpoint": collector.url, "tracing_sample_rate": "0"}
        assert Cordwood("migrate", tmp_path / "data", **urls).run().returncode == 0
        api = stack.enter_context(Cordwood("api", tmp_path / "data", **urls))
        for trace in traces:
            assert api.post("/log", b'{"n":1}', traceparent=f"00-{trace}-{SPAN}-01")[0] == 202
        worker = stack.enter_context(Cordwood("worker", tmp_path / "data", **urls))
        wait_until(lambda: shown(worker, "cordwood_store_events_total", outcome="stored") == 4, 15, "four events")
        wait_until(lambda: "commit" in collector.names() and collector.names().count("deliver batch") == 4, 15)
        deliveries = {(span.trace_id, span.span_id) for span in collector.spans() if span.name == "deliver batch"}
        assert {trace for trace, _ in deliveries} == set(traces)
        commits = [span for span in collector.spans() if span.name == "commit"]
        linked = {link for commit in commits for link in commit.links}
        alone = {(commit.trace_id, commit.parent) for commit in commits if commit.parent}
        assert linked | alone == deliveries
        assert all(commit.trace_id not in traces for commit in commits if commit.links)
        assert any(len(commit.links) > 1 for commit in commits)


def test_the_trace_is_in_the_amqp_header_where_others_look(
    tmp_path: Path, service_urls: dict[str, str], collector: Collector
) -> None:
    urls = {**service_urls, "tracing_endpoint": collector.url, "tracing_sample_rate": "0"}
    assert Cordwood("migrate", tmp_path / "data", **urls).run().returncode == 0
    with Cordwood("api", tmp_path / "data", **urls) as api:
        assert api.post("/log", b'{"n":1}', traceparent=SAID)[0] == 202
        assert api.post("/log", b'{"n":2}')[0] == 202
        connection = pika.BlockingConnection(pika.URLParameters(urls["broker_url"]))
        channel = connection.channel()
        headers = []
        for _ in range(2):
            _, properties, _ = channel.basic_get(urls["broker_queue"], auto_ack=True)
            assert properties is not None
            headers.append(properties.headers or {})
        connection.close()
        publish = arrived(collector, ["POST /log", "publish batch"])[1]
        assert [each.get("traceparent") for each in headers] == [f"00-{TRACE}-{publish.span_id}-01", None]
        assert not any("x-cordwood-traceparent" in each for each in headers)


def test_a_worker_takes_a_batch_with_anybodys_traceparent(
    tmp_path: Path, service_urls: dict[str, str], collector: Collector
) -> None:
    """Other programs may put something else there."""
    urls = {**service_urls, "tracing_endpoint": collector.url}
    assert Cordwood("migrate", tmp_path / "data", **urls).run().returncode == 0
    with Cordwood("api", tmp_path / "data", **urls, tracing_sample_rate="0") as api:
        assert api.post("/log", b'{"n":1}')[0] == 202
    connection = pika.BlockingConnection(pika.URLParameters(urls["broker_url"]))
    channel = connection.channel()
    _, properties, body = channel.basic_get(urls["broker_queue"], auto_ack=True)
    assert properties is not None
    assert properties.headers is not None
    for strange in (5, "nonsense", ["x"]):
        properties.headers["traceparent"] = strange
        channel.basic_publish("", urls["broker_queue"], body or b"", properties)
    connection.close()
    with Cordwood("worker", tmp_path / "data", **urls) as worker:
        wait_until(lambda: shown(worker, "cordwood_store_duplicate_batches_total") == 2, 15, "the copies to be seen")
        assert shown(worker, "cordwood_store_events_total", outcome="stored") == 1


def test_a_collector_that_is_away_holds_nobody_up(tmp_path: Path) -> None:
    away = {"tracing_endpoint": "http://127.0.0.1:9", "tracing_sample_rate": "1", "tracing_max_waiting": "5"}
    with Cordwood("up", tmp_path / "data", **away) as up:
        for n in range(20):
            assert up.post("/log", b'{"n":%d}' % n)[0] == 202
        wait_until(lambda: up.count() == 20, 10, "the events to be stored")
        wait_until(lambda: shown(up, "cordwood_trace_spans_total", outcome="no_room") > 0, 10, "spans to be dropped")
        wait_until(lambda: "traces_not_sent" in up.log(), 10, "it to be told")
        assert up.stop() == 0
        assert up.log().count("traces_not_sent") == 1


@pytest.mark.parametrize("path", ["", "/api/v1/ingest#/v1/traces"])
def test_traces_sent_to_cordwood_itself_do_not_go_round(tmp_path: Path, path: str) -> None:
    """By mistake: what is said of taking them in would be traces again."""
    up = Cordwood("up", tmp_path / "data")
    up.add_environment(CORDWOOD_TRACING_ENDPOINT=f"{up.url}{path}", CORDWOOD_TRACING_SAMPLE_RATE="1")
    with up:
        assert up.post("/log?wait=stored", b'{"n":1}')[0] == 202
        wait_until(lambda: shown(up, "cordwood_trace_spans_total", outcome="refused") >= 4, 15, "spans to be refused")
        refused = shown(up, "cordwood_trace_spans_total", outcome="refused")
        asked = shown(up, "cordwood_http_requests_total")
        wait_until(lambda: shown(up, "cordwood_http_requests_total", route="/metrics") > 60, 20, "time to pass")
        assert shown(up, "cordwood_trace_spans_total", outcome="refused") == refused
        assert shown(up, "cordwood_http_requests_total") - asked < 100
        assert up.count() == 1


def test_a_wrong_endpoint_stops_the_start(tmp_path: Path) -> None:
    up = Cordwood("up", tmp_path / "data", tracing_endpoint="collector:4317")
    refused = up.run("up", "--port", str(up.port))
    assert refused.returncode == 2
    assert "CORDWOOD_TRACING_ENDPOINT=http://" in refused.stderr


def test_opentelemetrys_variables_are_obeyed(tmp_path: Path, collector: Collector) -> None:
    up = Cordwood("up", tmp_path / "data", tracing_endpoint=f"{collector.url}/v1/traces", tracing_sample_rate="1")
    up.add_environment(OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer%20k", OTEL_SERVICE_NAME="logs")
    with up:
        assert up.post("/log", b'{"n":1}')[0] == 202
        wait_until(collector.spans, 15, "spans")
    assert {span.service for span in collector.spans()} == {"logs"}
    assert collector.requests[0]["authorization"] == "Bearer k"
    assert collector.requests[0]["path"] == "/v1/traces"
