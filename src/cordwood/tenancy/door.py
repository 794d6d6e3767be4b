"""The keys that open this process: those of the settings and those that are kept, held in memory and kept fresh.

A request costs one look-up. What is kept is read again twice a second, so that a new key works and a revoked one
ends within a second in every process. While it cannot be read, what is known goes on: an outage of the database
locks nobody out, and lets nobody in.
"""

import asyncio
import contextlib
from collections.abc import Mapping

import structlog
from msgspec import Struct

from cordwood import metrics
from cordwood.clock import Clock
from cordwood.errors import ConfigError, CordwoodError, Unavailable
from cordwood.model.tenant import DEFAULT_TENANT, Tenant
from cordwood.tenancy.interface import SCOPES, Grant, Limits, Snapshot, Tenancy
from cordwood.tenancy.keys import digest_of

log = structlog.get_logger()

_POLL_S = 0.5
_READ_TIMEOUT_S = 2.0
_NOTE_USES_S = 60.0
_OPEN_GRANT = Grant(DEFAULT_TENANT, frozenset(SCOPES), "anyone")


class _Entry(Struct, frozen=True):
    grant: Grant
    key_id: str | None = None
    expires_at_us: int | None = None


class Door:
    """`Keys` for a service, and the limits of its tenants. Open to all while there are no keys, where that may be."""

    def __init__(
        self,
        tenancy: Tenancy,
        configured: Mapping[bytes, Grant],
        clock: Clock,
        *,
        may_be_open: bool,
        note_uses_s: float = _NOTE_USES_S,
    ) -> None:
        self._tenancy = tenancy
        self._configured = {digest: _Entry(grant) for digest, grant in configured.items()}
        self._entries = self._configured
        self._clock = clock
        self._may_be_open = may_be_open
        self._note_uses_s = note_uses_s
        self._is_guarded = bool(configured)
        self._version: int | None = None
        self._limits: Mapping[Tenant, Limits] = {}
        self._used: set[str] = set()
        self._is_away = False
        self._reading = asyncio.Lock()
        self._unread = Unavailable("keys have not been read yet")

    async def __aenter__(self) -> "Door":
        """Raises ConfigError when nobody could come in, as there are no keys and the door must not be open."""
        await self.refresh()
        if self._version is not None and not self._is_guarded and not self._may_be_open:
            raise ConfigError(
                "others can reach this address, and there are no api keys",
                hint="make one with `cordwood keys create`, set CORDWOOD_TENANCY_API_KEYS, or pass --insecure if "
                "everyone may write and read logs",
            )
        self._keeper = asyncio.create_task(self._keep())
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._keeper.cancel()
        await asyncio.gather(self._keeper, return_exceptions=True)
        await self._note_uses()

    def grant(self, token: str | None) -> Grant | None:
        if token is not None and (entry := self._entries.get(digest_of(token))) is not None:
            if entry.expires_at_us is not None and entry.expires_at_us <= self._clock.now_us():
                return None
            if entry.key_id is not None:
                self._used.add(entry.key_id)
            return entry.grant
        is_open = self._may_be_open and not self._is_guarded
        if self._version is None and (token is not None or is_open):
            raise self._unread
        return _OPEN_GRANT if is_open else None

    def limits_of(self, tenant: Tenant) -> Limits | None:
        """The tenant's limits, as last read; None when it has none."""
        return self._limits.get(tenant)

    async def check(self) -> None:
        """Raises Unavailable while nobody can come in, as no key is configured and none could be read yet."""
        if self._version is None and not self._configured:
            raise self._unread

    async def _keep(self) -> None:
        noted = asyncio.get_running_loop().time()
        while True:
            await asyncio.sleep(_POLL_S)
            try:
                await self.refresh()
                if asyncio.get_running_loop().time() - noted >= self._note_uses_s:
                    noted = asyncio.get_running_loop().time()
                    await self._note_uses()
            except Exception:
                # The outermost edge: whatever is wrong with one look, the next one may find a key revoked.
                log.exception("keys_refresh_failed")

    async def refresh(self) -> None:
        """Read what is kept, if it has changed; otherwise, or when it is away, what is known stays. For who has just
        changed it: what was changed counts at once in this process."""
        async with self._reading:  # one after the other: what is older must not be taken last
            await self._read()

    async def _read(self) -> None:
        try:
            async with asyncio.timeout(_READ_TIMEOUT_S):
                snapshot = await self._tenancy.snapshot(self._version)
        except TimeoutError:
            self._went_away(Unavailable(f"keys could not be read within {_READ_TIMEOUT_S:g} s"))
            return
        except CordwoodError as error:
            self._went_away(Unavailable(f"keys could not be read: {error.message}", hint=error.hint))
            return
        if self._is_away:
            log.info("keys_readable")
            self._is_away = False
        if snapshot is not None:
            self._take(snapshot)

    def _went_away(self, reason: Unavailable) -> None:
        metrics.KEYS_READ_FAILURES.inc()
        self._unread = reason
        if not self._is_away:
            log.warning("keys_unreadable", reason=reason.message, hint=reason.hint)
            self._is_away = True

    def _take(self, snapshot: Snapshot) -> None:
        stored = {
            digest: _Entry(Grant(key.tenant, key.scopes, f"key {key.id}"), key.id, key.expires_at_us)
            for digest, key in snapshot.keys.items()
            if key.revoked_at_us is None
        }
        self._entries = stored | self._configured
        # Revoked keys count: the end of the last key must not open the door to everyone.
        self._is_guarded = bool(self._configured) or bool(snapshot.keys)
        self._limits = snapshot.limits
        self._version = snapshot.version

    async def _note_uses(self) -> None:
        if not self._used:
            return
        used, self._used = self._used, set()
        # Away: these uses go unnoted; the next ones will be.
        with contextlib.suppress(CordwoodError, TimeoutError):
            async with asyncio.timeout(_READ_TIMEOUT_S):
                await self._tenancy.mark_used(sorted(used), self._clock.now_us())
