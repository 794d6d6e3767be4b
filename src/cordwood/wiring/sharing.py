"""URL → what processes share: the cache, and what lives beside it.

As in `parts`, adapters are imported inside the functions.
"""

from urllib.parse import urlsplit

from cordwood.cache.interface import Cache
from cordwood.clock import SystemClock
from cordwood.config import Config
from cordwood.peers.interface import Peers
from cordwood.tail.interface import Tail
from cordwood.tenancy.quota.interface import Quota
from cordwood.tenancy.quota.memory import MemoryQuota
from cordwood.wiring.naming import missing_extra, unknown


def open_cache(config: Config) -> Cache:
    """The cache that `cache.url` names. Raises ConfigError."""
    settings = config.cache
    match urlsplit(settings.url).scheme:
        case "memory":
            from cordwood.cache.memory import MemoryCache

            return MemoryCache(settings.memory_bytes)
        case "redis" | "rediss":
            try:
                from cordwood.cache.redis import RedisCache
            except ModuleNotFoundError as error:
                raise missing_extra("redis", error) from error
            return RedisCache(settings.url)
    raise unknown("cache", settings.url, "memory:, redis:// and rediss://")


def open_tail(config: Config) -> Tail:
    """The live feed, where the cache is. Raises ConfigError."""
    url, room = config.cache.url, config.tail.feed_bytes
    match urlsplit(url).scheme:
        case "memory":
            from cordwood.tail.memory import MemoryTail

            return MemoryTail(room)
        case "redis" | "rediss":
            try:
                from cordwood.tail.redis import RedisTail
            except ModuleNotFoundError as error:
                raise missing_extra("redis", error) from error
            return RedisTail(url, room)
    raise unknown("cache", url, "memory:, redis:// and rediss://")


def open_peers(config: Config) -> Peers:
    """Other query processes, met where the cache is. Raises ConfigError."""
    url = config.cache.url
    match urlsplit(url).scheme:
        case "memory":
            from cordwood.peers.alone import Alone

            return Alone()
        case "redis" | "rediss":
            try:
                from cordwood.peers.redis import RedisPeers
            except ModuleNotFoundError as error:
                raise missing_extra("redis", error) from error
            return RedisPeers(url)
    raise unknown("cache", url, "memory:, redis:// and rediss://")


def open_quota(config: Config) -> Quota:
    """Tenants' use, counted where the cache is: exactly for all processes in Redis, else in this one.

    Raises ConfigError.
    """
    url = config.cache.url
    counted_here = MemoryQuota(SystemClock())
    match urlsplit(url).scheme:
        case "memory":
            return counted_here
        case "redis" | "rediss":
            try:
                from cordwood.tenancy.quota.redis import RedisQuota
            except ModuleNotFoundError as error:
                raise missing_extra("redis", error) from error
            return RedisQuota(url, counted_here)
    raise unknown("cache", url, "memory:, redis:// and rediss://")
