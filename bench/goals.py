"""What is to be reached, figure by figure."""

from dataclasses import dataclass

_10M, _50M, _100M = 10_000_000, 50_000_000, 100_000_000


@dataclass(frozen=True)
class Goal:
    """A figure that must reach, or must stay below, a bound."""

    text: str
    setup: str
    part: str
    figure: str
    bound: float
    is_floor: bool
    events: int = 0
    """Of the part: with fewer, the figure says nothing about the goal."""


def _least(text: str, setup: str, part: str, figure: str, bound: float, events: int = 0) -> Goal:
    return Goal(text, setup, part, figure, bound, True, events)


def _below(text: str, setup: str, part: str, figure: str, bound: float, events: int = 0) -> Goal:
    return Goal(text, setup, part, figure, bound, False, events)


def _asked(question: str, figure: str, bound_ms: float) -> Goal:
    """A median over 10 M events."""
    return _below(f"10 M events: {question}, ms", "embedded", "query", f"{figure}_p50_ms", bound_ms, _10M)


def _stored(question: str, figure: str) -> Goal:
    """A median over 10 M rows in PostgreSQL."""
    return _below(f"10 M rows in PostgreSQL: {question}, ms", "services", "rows", f"{figure}_p50_ms", 20, _10M)


GOALS = (
    _least("embedded: events/s to queryable", "embedded", "ingest", "queryable_events_per_s", 450_000),
    _below("embedded: server CPU per event, µs", "embedded", "ingest", "server_cpu_us_per_event", 3.5),
    _below("embedded: the same until all is merged, µs", "embedded", "profile", "server_cpu_us_per_event", 3.5),
    _least("RabbitMQ + PostgreSQL: share of a bare COPY", "services", "ingest", "share_of_copy", 0.85),
    _least("RabbitMQ + shared segments: events/s", "shared", "ingest", "queryable_events_per_s", 300_000),
    _least("embedded: single-event requests/s, durable, 64", "embedded", "single", "requests_per_s", 15_000),
    _least("embedded: single-event requests/s, durable, 256", "embedded", "single_256", "requests_per_s", 18_000),
    _below("embedded: visible within, 99th percentile, ms", "embedded", "visible", "visible_p99_ms", 1_000),
    _below("services: visible within, 99th percentile, ms", "services", "visible", "visible_p99_ms", 1_000),
    _below("embedded: idle memory", "embedded", "idle", "up_memory_bytes", 200e6),
    _below("10 M events: bytes of segments per event", "embedded", "query", "segment_bytes_per_event", 37, _10M),
    _asked("a trace id", "trace_id", 6),
    _asked("a word that is in a few messages", "rare_word", 10),
    _asked("newest 100", "newest_100", 10),
    _asked("newest 50 with level and status", "newest_50_errors", 40),
    _asked("count by level", "count_by_level", 40),
    _asked("substring", "substring", 360),
    _asked("p99 of a float by service", "p99_by_service", 300),
    _asked("10 s histogram by level", "histogram_by_level", 170),
    _asked("regex", "regex", 400),
    _asked("top 10 hosts", "top_hosts", 25),
    _asked("patterns of all messages", "patterns", 3000),
    _asked("facets of all fields", "facets", 1000),
    _stored("newest 100 of a service", "newest_100_of_a_service"),
    _stored("histogram by level, from rollups", "histogram_by_level_from_rollups"),
    _below("50 people beside 100,000 events/s: p95 to idle", "embedded", "people", "busy_to_idle_p95", 3, _10M),
    _least("50 people beside 100,000 events/s: share of its rate", "embedded", "people", "rate_share", 0.9, _10M),
    _below("50 people beside 100,000 events/s: errors", "embedded", "people", "errors", 1, _10M),
    _below("10 M events, in a browser: first view, ms", "embedded", "page", "first_view_p50_ms", 1500, _10M),
    _below("10 M events, in a browser: zoom to new counts, ms", "embedded", "page", "zoom_p50_ms", 500, _10M),
    _below("10 M events, in a browser: longest frame, ms", "embedded", "page", "longest_frame_p50_ms", 50, _10M),
    _below("50 M events: peak memory", "embedded", "soak", "peak_memory_bytes", 600e6, _50M),
    _below("50 M events: memory grows by, percent", "embedded", "soak", "memory_growth_percent", 5, _50M),
    _least("100 M events: slowest step to first 1 M", "embedded", "scale", "slowest_share_of_first", 0.9, _100M),
    _below("100 M events: narrow query to that at 1 M", "embedded", "scale", "narrow_share_of_first", 1.25, _100M),
)
