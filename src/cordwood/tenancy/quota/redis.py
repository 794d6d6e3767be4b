"""Quotas counted in Redis, exactly for all api processes together; in this process alone while Redis is away."""

import time

import structlog
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from cordwood import metrics
from cordwood.model.tenant import Tenant
from cordwood.tenancy.interface import Limits
from cordwood.tenancy.quota.interface import Cost, State
from cordwood.tenancy.quota.memory import MemoryQuota
from cordwood.tenancy.quota.rules import BUCKET_US, refusal

log = structlog.get_logger()

_TIMEOUT_S = 0.25
_CONNECTIONS = 8
"""A burst of requests takes turns on these; a script runs in a fraction of a millisecond."""
_REST_S = 1.0
"""After a failure Redis is left alone for this long: an outage costs one time-out a second, not one a request."""

# One step for Redis: no two requests see the same room. By Redis's own clock, so that all processes agree on it.
# ARGV: sign (1 take, -1 give back, 0 look), events, bytes, then the limits (-1: none), then what this process has
# counted today, which Redis may have forgotten. Answers whether it was counted, and the state before.
_SCRIPT = """
local time = redis.call('TIME')
local second = tonumber(time[1])
local now = second * 1000000 + tonumber(time[2])
local day = math.floor(second / 86400)
local sign, events, bytes = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local event_rate, byte_rate, daily = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local kept = redis.call('HMGET', KEYS[1], 'events', 'bytes', 'day', 'today')
local events_until = math.max(tonumber(kept[1]) or 0, now)
local bytes_until = math.max(tonumber(kept[2]) or 0, now)
local today = 0
if tonumber(kept[3]) == day then today = tonumber(kept[4])
elseif tonumber(ARGV[7]) == day and tonumber(ARGV[8]) > 0 then
    today = tonumber(ARGV[8])
    redis.call('HSET', KEYS[1], 'day', day, 'today', ARGV[8])
    redis.call('EXPIRE', KEYS[1], 90000)
end
local state = {0, events_until - now, bytes_until - now, today, second % 86400}
if sign == 0 then return state end
if sign > 0 and ((event_rate > 0 and events_until - now >= BUCKET_US)
        or (byte_rate > 0 and bytes_until - now >= BUCKET_US)
        or (daily >= 0 and today + bytes > daily)) then
    return state
end
if event_rate > 0 then events_until = events_until + sign * math.floor(events * 1000000 / event_rate) end
if byte_rate > 0 then bytes_until = bytes_until + sign * math.floor(bytes * 1000000 / byte_rate) end
if daily >= 0 then today = math.max(0, today + sign * bytes) end
redis.call('HSET', KEYS[1], 'events', string.format('%.0f', events_until), 'bytes',
    string.format('%.0f', bytes_until), 'day', day, 'today', string.format('%.0f', today))
redis.call('EXPIRE', KEYS[1], 90000 + math.ceil((math.max(events_until, bytes_until) - now) / 1000000))
state[1] = 1
return state
""".replace("BUCKET_US", str(BUCKET_US))


class RedisQuota:
    """A hash for each tenant that has limits, changed by a script; it expires when nothing is owed any more."""

    def __init__(self, url: str, fallback: MemoryQuota) -> None:
        """Raises ValueError when `url` is no Redis URL."""
        # Not tried again by the client: a call whose answer was lost may have counted.
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=_CONNECTIONS,
            timeout=_TIMEOUT_S,
            socket_timeout=_TIMEOUT_S,
            socket_connect_timeout=_TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),
        )
        self._redis = Redis.from_pool(pool)
        self._script = self._redis.register_script(_SCRIPT)
        self._fallback = fallback
        self._rests_until = 0.0

    async def __aenter__(self) -> "RedisQuota":
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._redis.aclose()

    async def take(self, tenant: Tenant, limits: Limits, cost: Cost) -> None:
        answer = await self._run(1, tenant, limits, cost)
        if answer is None:
            await self._fallback.take(tenant, limits, cost)
            return
        is_counted, state = answer
        if not is_counted and (refused := refusal(tenant, limits, cost, state)):
            raise refused

    async def give_back(self, tenant: Tenant, limits: Limits, cost: Cost) -> None:
        if await self._run(-1, tenant, limits, cost) is None:
            await self._fallback.give_back(tenant, limits, cost)

    async def state(self, tenant: Tenant, limits: Limits) -> State:
        answer = await self._run(0, tenant, limits, Cost(0, 0))
        return await self._fallback.state(tenant, limits) if answer is None else answer[1]

    async def _run(self, sign: int, tenant: Tenant, limits: Limits, cost: Cost) -> tuple[bool, State] | None:
        """Whether it was counted, and the state before; None when Redis is away."""
        if time.monotonic() < self._rests_until:
            metrics.QUOTA_FALLBACKS.inc()
            return None
        arguments = [
            sign,
            cost.events,
            cost.size_bytes,
            *(-1 if each is None else each for each in (limits.rate_events_per_s, limits.rate_bytes_per_s)),
            -1 if limits.daily_bytes is None else limits.daily_bytes,
            *self._fallback.today(tenant),
        ]
        try:
            answer = await self._script(keys=[f"cordwood:quota:{tenant}"], args=arguments)
        except (RedisError, OSError) as error:
            metrics.QUOTA_FALLBACKS.inc()
            if time.monotonic() >= self._rests_until:  # others may have failed at the same time
                self._rests_until = time.monotonic() + _REST_S
                log.warning("quota_counted_here", reason=str(error) or type(error).__name__)
            return None
        is_counted, events_ahead_us, bytes_ahead_us, bytes_today, second_of_day = map(int, answer)
        # Should Redis go away, this process goes on from here.
        self._fallback.learn(tenant, max(0, bytes_today + is_counted * sign * cost.size_bytes))
        return bool(is_counted), State(events_ahead_us, bytes_ahead_us, bytes_today, second_of_day)
