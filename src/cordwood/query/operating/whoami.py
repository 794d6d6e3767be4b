"""`GET /api/v1/whoami`: what the caller's key opens."""

from starlette.requests import Request
from starlette.routing import Route

from cordwood import __version__
from cordwood.clock import Clock
from cordwood.http.auth import identify
from cordwood.model.event import format_timestamp
from cordwood.query.alerts.asking import route
from cordwood.query.operating.shapes import Public, Service, Whoami
from cordwood.tenancy.interface import SCOPES, Keys


class WhoamiRoutes:
    """Any good key may ask, whatever its scopes."""

    def __init__(self, keys: Keys, clock: Clock, service: Service, public: Public) -> None:
        self._keys = keys
        self._clock = clock
        self._service = service
        self._public = public

    def routes(self) -> list[Route]:
        return [route("/api/v1/whoami", {"GET": self._whoami})]

    async def _whoami(self, request: Request) -> Whoami:
        grant = identify(dict(request.headers.raw), self._keys)
        return Whoami(
            tenant=grant.tenant,
            actor=grant.actor,
            scopes=[scope for scope in SCOPES if scope in grant.scopes],
            keys_required=self._keys.grant(None) is None,
            version=__version__,
            service=self._service,
            takes_logs=self._service == "up",
            public=self._public,
            now=format_timestamp(self._clock.now_us()),
        )
