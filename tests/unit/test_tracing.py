"""What is traced, how it is written, and that nobody waits for a collector."""

import threading
from collections.abc import Iterator

import pytest

from cordwood.tracing.context import NOT_SAMPLED, SpanContext, incoming
from cordwood.tracing.exporter import Exporter
from cordwood.tracing.interface import Tracer
from cordwood.tracing.off import Off
from cordwood.tracing.otlp import request_of
from cordwood.tracing.recorder import Recorder
from cordwood.tracing.span import Recorded
from tests.support.collector import Collector, read
from tests.support.metering import counted
from tests.support.waiting import wait_until

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SAID = f"00-{TRACE}-{SPAN}-01"


@pytest.mark.parametrize(
    ("header", "is_sampled"),
    [
        (SAID, True),
        (f" {SAID} ", True),
        (f"00-{TRACE}-{SPAN}-00", False),
        (f"00-{TRACE}-{SPAN}-03", True),
        (f"cc-{TRACE}-{SPAN}-01-what.comes.later", True),
        (NOT_SAMPLED, False),
        (f"00-{TRACE}-{SPAN}-01-more", None),
        (f"ff-{TRACE}-{SPAN}-01", None),
        (f"00-{'0' * 32}-{SPAN}-01", None),
        (f"00-{TRACE}-{'0' * 16}-01", None),
        (f"00-{TRACE.upper()}-{SPAN}-01", None),
        ("00-1-2-01", None),
        ("", None),
        ("\x00" * 55, None),
        ("é" * 1000, None),
    ],
)
def test_a_traceparent_is_read_as_the_w3c_says(header: str, is_sampled: bool | None) -> None:
    said = incoming(header)
    if is_sampled is None:
        assert said is None
    else:
        assert said is not None
        assert said.is_sampled is is_sampled


def test_what_is_written_is_read_again() -> None:
    said = incoming(SAID)
    assert said is not None
    assert said.context.traceparent == SAID


def ended(recorder_rate: float = 1.0) -> tuple[list[Recorded], Recorder]:
    spans: list[Recorded] = []
    return spans, Recorder(spans.append, recorder_rate)


def test_a_sender_decides_for_itself_and_chance_for_the_others() -> None:
    for rate, silent in ((0.0, False), (1.0, True)):
        _, recorder = ended(rate)
        assert recorder.request(SAID.encode()) is not None
        assert recorder.request(NOT_SAMPLED.encode()) is None
        assert (recorder.request(None) is not None) is silent
        assert (recorder.request(b"nonsense") is not None) is silent
    _, some = ended(0.25)
    assert 100 < sum(some.request(None) is not None for _ in range(1000)) < 400


def test_one_cause_is_a_parent_and_several_are_links() -> None:
    spans, recorder = ended()
    requests = [recorder.request(SAID.encode()), recorder.request(None)]
    causes = [request.context for request in requests if request is not None]
    with recorder.span("alone", "producer", [None, causes[0], None]), recorder.span("both", "client", causes):
        pass
    both, alone = spans
    assert alone.context.trace_id.hex() == TRACE
    assert causes[0] is not None
    assert alone.parent == causes[0].span_id
    assert both.parent is None
    assert both.links == causes
    assert both.context.trace_id not in {cause.trace_id for cause in causes if cause}
    assert recorder.span("none", "client", [None]).context is None


def test_links_are_bounded() -> None:
    spans, recorder = ended()
    causes = [SpanContext(bytes(15) + b"\1", n.to_bytes(8, "big")) for n in range(1, 1001)]
    recorder.span("many", "client", causes).end()
    assert len(spans[0].links) == 128
    assert spans[0].attributes == {"cordwood.links.left.out": 872}


def test_an_error_makes_a_failed_span() -> None:
    spans, recorder = ended()
    request = recorder.request(None)
    assert request is not None
    with pytest.raises(ValueError, match="no room"), recorder.span("x", "client", [request.context]):
        raise ValueError("no room")
    assert spans[0].failure == "no room"
    request.end()
    request.end()
    assert len(spans) == 2


def test_nothing_is_traced_when_it_is_off() -> None:
    off: Tracer = Off()
    assert off.request(SAID.encode()) is None
    with off.span("x", "client", [SpanContext(bytes(16), bytes(8))]) as span:
        span.name = "y"
        span.set(a=1)
        assert span.context is None


def some_span(**changes: object) -> Recorded:
    given: dict[str, object] = {
        "context": SpanContext(bytes.fromhex(TRACE), bytes.fromhex(SPAN)), "parent": b"\1" * 8, "links": (),
        "name": "commit", "kind": "client", "started_ns": 1_795_435_200_000_000_001,
        "ended_ns": 1_795_435_200_000_000_301, "attributes": {}, "failure": None, **changes,
    }  # fmt: skip
    return Recorded(**given)  # type: ignore[arg-type]


def test_opentelemetrys_own_library_reads_what_is_written() -> None:
    attributes: dict[str, object] = {"text": "é\x00\udc80", "yes": True, "n": -5, "big": 2**40, "half": 0.5, "": ""}
    links = [SpanContext(b"\2" * 16, b"\3" * 8), SpanContext(b"\4" * 16, b"\5" * 8)]
    full = some_span(attributes=attributes, links=links, failure="the store is away", name="n" * 300)
    seen, bare = read(request_of([full, some_span(parent=None)], {"service.name": "cordwood-worker"}))
    assert (seen.trace_id, seen.span_id, seen.parent) == (TRACE, SPAN, "01" * 8)
    assert seen.attributes == {
        "text": "é\x00?", "yes": "True", "n": "-5", "big": str(2**40), "half": "0.5", "": ""
    }  # fmt: skip
    assert seen.links == [("02" * 16, "03" * 8), ("04" * 16, "05" * 8)]
    assert (seen.failure, seen.name, seen.kind) == ("the store is away", "n" * 300, 3)
    assert seen.ended_ns - seen.started_ns == 300
    assert (bare.parent, bare.failure, bare.attributes, bare.service) == ("", None, {}, "cordwood-worker")


@pytest.fixture
def exporting() -> Iterator[list[Exporter]]:
    started: list[Exporter] = []
    yield started
    for each in started:
        each.stop()


def test_a_collector_that_is_away_costs_spans_and_nothing_else(exporting: list[Exporter]) -> None:
    exporter = Exporter("http://127.0.0.1:1/v1/traces", {}, {"service.name": "x"}, 100)
    before = counted("cordwood_trace_spans_total", outcome="no_room")
    for _ in range(250):
        exporter.take(some_span())
    assert counted("cordwood_trace_spans_total", outcome="no_room") - before == 150
    left = counted("cordwood_trace_spans_total", outcome="left")
    exporter.start()
    exporter.stop()
    assert counted("cordwood_trace_spans_total", outcome="left") - left == 100


def test_a_collector_that_comes_back_gets_what_waited(exporting: list[Exporter]) -> None:
    with Collector(503, 200) as collector:
        exporter = Exporter(f"{collector.url}/v1/traces", {"x-key": "k"}, {"service.name": "x"}, 100)
        exporting.append(exporter)
        for _ in range(3):
            exporter.take(some_span())
        exporter.start()
        wait_until(lambda: len(collector.spans()) == 3, 10, "the spans to arrive")
    assert collector.requests[-1]["x-key"] == "k"
    assert collector.requests[-1]["content-type"] == "application/x-protobuf"


def test_what_a_collector_refuses_is_not_sent_again(exporting: list[Exporter]) -> None:
    before = counted("cordwood_trace_spans_total", outcome="refused")
    with Collector(404) as collector:
        exporter = Exporter(f"{collector.url}/v1/traces", {}, {"service.name": "x"}, 100)
        exporting.append(exporter)
        exporter.take(some_span())
        exporter.start()
        wait_until(lambda: counted("cordwood_trace_spans_total", outcome="refused") > before, 10, "it to be counted")
        assert len(collector.requests) == 1


def test_our_own_requests_say_that_nobody_is_to_trace_them(exporting: list[Exporter]) -> None:
    _, recorder = ended()
    with Collector() as collector:
        exporter = Exporter(f"{collector.url}/v1/traces", {}, {"service.name": "x"}, 100)
        exporting.append(exporter)
        exporter.take(some_span())
        exporter.start()
        wait_until(lambda: len(collector.spans()) == 1, 10, "the span to arrive")
    assert recorder.request(collector.requests[0]["traceparent"].encode()) is None


def test_ending_a_span_waits_for_nobody(exporting: list[Exporter]) -> None:
    """Not even while the collector holds a request: the exporter's thread waits, and alone."""
    let_go = threading.Event()

    class Slow(Collector):
        def _take(self, path: str, headers: dict[str, str], body: bytes) -> int:
            let_go.wait(10)
            return super()._take(path, headers, body)

    with Slow() as collector:
        exporter = Exporter(f"{collector.url}/v1/traces", {}, {"service.name": "x"}, 1000)
        exporting.append(exporter)
        exporter.take(some_span())
        exporter.start()
        for _ in range(500):
            exporter.take(some_span())
        assert collector.spans() == []
        let_go.set()
        wait_until(lambda: len(collector.spans()) == 501, 15, "all spans to arrive")
