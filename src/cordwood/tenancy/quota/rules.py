"""When a limit leaves no room, and what its tenant is told.

A rate is a bucket that holds one second's worth. A request is let in while the bucket is not empty and may overdraw
it, so that large requests pass like many small ones; what follows waits until the debt is paid. So the mean never
exceeds the rate, whatever the requests' sizes. A day's bytes are never overdrawn.
"""

import math

from cordwood import metrics
from cordwood.errors import Overloaded
from cordwood.model.tenant import Tenant
from cordwood.tenancy.interface import Limits
from cordwood.tenancy.quota.interface import Cost, State

SECOND_US = 1_000_000
DAY_S = 86_400
BUCKET_US = SECOND_US


def refusal(tenant: Tenant, limits: Limits, cost: Cost, state: State) -> Overloaded | None:
    """Why there is no room, by the limit that takes longest; None when there is room."""
    refusals: list[tuple[int, str, str]] = []
    rates = (
        ("rate_events_per_s", "events", limits.rate_events_per_s, state.events_ahead_us),
        ("rate_bytes_per_s", "bytes", limits.rate_bytes_per_s, state.bytes_ahead_us),
    )
    for name, noun, rate, ahead_us in rates:
        if rate is not None and ahead_us >= BUCKET_US:
            wait_s = math.floor((ahead_us - BUCKET_US) / SECOND_US) + 1
            use = f"it is {ahead_us / SECOND_US:,.1f} s ahead of that"
            refusals.append((wait_s, name, f"may send {rate:,} {noun} a second; {use}"))
    daily = limits.daily_bytes
    if daily is not None and state.bytes_today + cost.size_bytes > daily:
        use = f"{state.bytes_today:,} are used, this request has {cost.size_bytes:,}"
        refusals.append((DAY_S - state.second_of_day, "daily_bytes", f"may send {daily:,} bytes a day (UTC); {use}"))
    if not refusals:
        return None
    wait_s, name, told = max(refusals)
    metrics.QUOTA_REFUSALS.labels(name).inc()
    return Overloaded(
        f"the tenant {tenant} {told}",
        hint="send again after the seconds in Retry-After; an operator raises it with `cordwood tenants set`",
        retry_after_s=wait_s,
    )
