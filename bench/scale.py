"""`bench scale`: is ingest as fast, and a narrow question as quick, when there is much already?"""

import itertools
import json
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from bench import ingest
from bench.endless import Endless
from bench.files import await_rest
from bench.setups import Setup
from bench.single import percentile
from bench.target import Target, await_count, get

_TIMEOUT_S = 120.0
_NARROW_MS = 60_000
_RUNS = 20


@dataclass(frozen=True)
class ScaleLoad:
    events: int
    """In all."""
    step: int
    """Between two rates."""
    first: int
    """Those that the later ones are compared with."""
    clients: int = 4
    batch: int = 50_000


def measure(setup: Setup, load: ScaleLoad) -> dict[str, Any]:
    """Send the first, ask, then send on step by step, and ask again."""
    target = setup.target("/api/v1/ingest")
    endless = Endless(load.events, load.batch)
    first_rate, missing = _sent(target, endless, 0, load.first, load)
    figures: dict[str, Any] = {"events": load.events, "first_events": load.first, "first_events_per_s": first_rate}
    await_rest(setup.data_dir)
    first_ms = _narrow(setup, endless, load.first // 2)
    rates: list[float] = []
    later = (end for end in range(load.step, load.events, load.step) if end > load.first)
    for start, end in itertools.pairwise([load.first, *later, load.events]):
        rate, lacking = _sent(target, endless, start, end - start, load)
        rates.append(rate)
        missing += lacking
    segments = await_rest(setup.data_dir)
    last_ms = [_narrow(setup, endless, at) for at in (load.first // 2, load.events - load.first // 2)]
    return figures | {
        "missing": missing,
        "events_per_s_by_step": " · ".join(f"{rate:,.0f}" for rate in rates),
        "slowest_events_per_s": min(rates, default=first_rate),
        "slowest_share_of_first": min(rates, default=first_rate) / first_rate,
        "segments": len(segments.paths),
        "segment_bytes_per_event": segments.size_bytes / segments.events,
        "narrow_at_first_p50_ms": first_ms,
        "narrow_old_at_end_p50_ms": last_ms[0],
        "narrow_new_at_end_p50_ms": last_ms[1],
        "narrow_share_of_first": max(last_ms) / first_ms,
    }


def _sent(target: Target, endless: Endless, first: int, events: int, load: ScaleLoad) -> tuple[float, int]:
    """Events a second until all are queryable, and how many never were."""
    before = target.count()
    started = time.perf_counter()
    ingest.send(target, ingest.NDJSON, endless.bodies(first, events), load.clients)
    found = await_count(target, before + events, _TIMEOUT_S) - before
    return found / (time.perf_counter() - started), events - found


def _narrow(setup: Setup, endless: Endless, around: int) -> float:
    """The median time for the newest 100 of a minute; each time another minute by a millisecond, so none is cached."""
    took_ms: list[float] = []
    start_ms = endless.moment_ms(around)
    for run in range(_RUNS + 2):
        asked = urlencode({"start": (start_ms + run) / 1e3, "end": (start_ms + run + _NARROW_MS) / 1e3, "limit": 100})
        started = time.perf_counter()
        answer = json.loads(get(f"{setup.query_url}/api/v1/query?{asked}", {}))
        took_ms.append((time.perf_counter() - started) * 1e3)
        if not answer["events"] or answer["cached"]:
            raise RuntimeError(f"a narrow question found {len(answer['events'])} events, cached: {answer['cached']}")
    return percentile(sorted(took_ms[2:]), 50)
