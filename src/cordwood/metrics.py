"""Every metric, declared. Nothing reads them back; labels are bounded."""

from prometheus_client import Counter, Gauge, Histogram, Info

_LATENCY_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

BUILD = Info("cordwood_build", "What runs, as labels: service, version, and that of python")
READY = Gauge(
    "cordwood_ready",
    "1 where a part that this process needs was ready when metrics were asked for, else 0; the part `service` is 0 "
    "while the process stops",
    ["part"],
)
DISK_FREE_BYTES = Gauge("cordwood_disk_free_bytes", "Bytes free on the disk of the data directory")
DISK_SIZE_BYTES = Gauge("cordwood_disk_size_bytes", "Bytes that the disk of the data directory has")

REQUESTS = Counter("cordwood_http_requests_total", "HTTP requests answered", ["service", "route", "status"])
REQUEST_SECONDS = Histogram(
    "cordwood_http_request_seconds",
    "Time from request head to the end of the answer",
    ["route"],
    buckets=_LATENCY_S,
)
HTTP_REFUSED = Counter(
    "cordwood_http_refused_total", "Connections that the listener refused or ended, requests unread", ["reason"]
)

INGEST_EVENTS = Counter("cordwood_ingest_events_total", "Events in requests, by outcome", ["protocol", "outcome"])
INGEST_BYTES = Counter("cordwood_ingest_bytes_total", "Bytes of accepted events before compression")
INGEST_IN_FLIGHT_BYTES = Gauge("cordwood_ingest_in_flight_bytes", "Bytes of requests being taken in")
CONFIRM_SECONDS = Histogram(
    "cordwood_broker_confirm_seconds",
    "Time until the broker confirmed a batch as durable",
    buckets=_LATENCY_S,
)
PUBLISH_FAILURES = Counter("cordwood_broker_publish_failures_total", "Batches the broker did not take", ["reason"])
BATCH_EVENTS = Histogram(
    "cordwood_batch_events", "Events per batch", buckets=(1, 4, 16, 64, 256, 1024, 4096, 16384, 65536)
)

BACKLOG_BATCHES = Gauge("cordwood_broker_backlog_batches", "Batches waiting in the broker, in flight included")
BACKLOG_BYTES = Gauge("cordwood_broker_backlog_bytes", "Bytes waiting in the broker")
BACKLOG_AGE_SECONDS = Gauge("cordwood_broker_backlog_age_seconds", "Age of the oldest batch that waits")

SPOOLED_BATCHES = Gauge("cordwood_spool_batches", "Batches kept on this machine until the broker takes them")

STORED_EVENTS = Counter("cordwood_store_events_total", "Events that reached a store, by outcome", ["outcome"])
DUPLICATE_BATCHES = Counter("cordwood_store_duplicate_batches_total", "Batches that had been stored before")
FETCHED_SEGMENTS = Counter("cordwood_store_fetched_segments_total", "Segments fetched from object storage", ["outcome"])
FETCHED_BYTES = Counter("cordwood_store_fetched_bytes_total", "Bytes of segments fetched from object storage")
COPIES_BYTES = Gauge("cordwood_store_copies_bytes", "Bytes of segments in object storage that are copied on this disk")
COMMIT_SECONDS = Histogram(
    "cordwood_store_commit_seconds", "Time to write loads in one transaction", buckets=_LATENCY_S
)
VISIBLE_SECONDS = Histogram(
    "cordwood_accept_to_visible_seconds", "From a batch's arrival to its being queryable", buckets=_LATENCY_S
)
STORE_RETRIES = Counter("cordwood_store_retries_total", "Writes repeated because the store was away")

LEDGER_FINDINGS = Gauge(
    "cordwood_ledger_findings",
    "What the last look into the ledger found: gap, imbalance and damage are loss or doubling; in_flight and "
    "unverified are not known yet, or any more",
    ["kind"],
)
LEDGER_READ_AT = Gauge("cordwood_ledger_read_timestamp_seconds", "When the ledger was last looked into, Unix time")

CANARY_EVENTS = Counter("cordwood_canary_events_total", "Canary events, by outcome: found, lost, refused", ["outcome"])
CANARY_SECONDS = Histogram(
    "cordwood_canary_visible_seconds", "From sending a canary event to finding it by a query", buckets=_LATENCY_S
)

CACHE_LOOKUPS = Counter("cordwood_cache_lookups_total", "Answers looked up in the cache", ["result"])
CACHE_SLICES = Counter(
    "cordwood_cache_slices_total", "Parts of answers that were put together: kept ones, and those asked for", ["from"]
)
TRACE_SPANS = Counter(
    "cordwood_trace_spans_total",
    "Spans by what became of them: sent, no_room (the collector was away for long), refused (by it), left (when this "
    "process ended)",
    ["outcome"],
)
LOG_LINES_LOST = Counter("cordwood_log_lines_lost_total", "Lines that standard error or output did not take")
OWN_LOG_LINES = Counter(
    "cordwood_own_log_lines_total",
    "Lines of this process's own log that go to a Cordwood, by what became of them: sent, no_room, refused, left (when "
    "this process ended)",
    ["outcome"],
)
CACHE_FAILURES = Counter("cordwood_cache_failures_total", "Cache calls that failed and were taken as a miss")

TAIL_READERS = Gauge("cordwood_tail_readers", "Live tails that are open in this process")
TAIL_SENT_EVENTS = Counter("cordwood_tail_sent_events_total", "Events sent to readers of live tails")
TAIL_MISSED_EVENTS = Counter(
    "cordwood_tail_missed_events_total",
    "Events that the tail did not take from a worker (publisher), and those that readers of live tails were told they "
    "missed (reader)",
    ["place"],
)
TAIL_FAILURES = Counter("cordwood_tail_publish_failures_total", "Times that the live feed did not take what was stored")

KEYS_READ_FAILURES = Counter(
    "cordwood_keys_read_failures_total", "Looks at the stored keys and limits that failed; what was known went on"
)
QUOTA_REFUSALS = Counter("cordwood_quota_refusals_total", "Requests over a tenant's limit", ["limit"])
QUOTA_FALLBACKS = Counter(
    "cordwood_quota_fallbacks_total", "Questions of quota answered by this process alone, as Redis was away"
)

ALERT_EVALUATIONS = Counter(
    "cordwood_alert_evaluations_total",
    "Evaluations of alert rules: matched, not_matched, failed, timeout, and lost: not concluded, left to another",
    ["outcome"],
)
ALERT_LAG_SECONDS = Histogram(
    "cordwood_alert_lag_seconds", "From an evaluation time to its answer", buckets=(0.5, 1, 2, 5, 10, 30, 60, 300, 900)
)
ALERT_TRANSITIONS = Counter(
    "cordwood_alert_transitions_total", "Transitions of alert rules: firing, resolved, unknown, known", ["kind"]
)
ALERT_DELIVERIES = Counter(
    "cordwood_alert_deliveries_total",
    "Attempts to deliver what alert rules tell: delivered, put_off, given_up",
    ["receiver", "outcome"],
)
ALERT_FAILURES = Counter(
    "cordwood_alert_failures_total", "Rounds of evaluating, delivering or forgetting that failed as a whole", ["what"]
)
