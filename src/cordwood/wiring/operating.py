"""Parts → what those who run Cordwood ask: status, keys, and the dashboards that are kept beside saved queries."""

from starlette.routing import Route

from cordwood.alerts.dashboards import Dashboards
from cordwood.alerts.interface import Tables
from cordwood.alerts.kept import SavedQueries
from cordwood.broker.interface import Broker
from cordwood.clock import SystemClock
from cordwood.config import Config
from cordwood.query.dashboards.operations import DASHBOARDS
from cordwood.query.dashboards.routes import DashboardRoutes
from cordwood.query.operating.keys import KeyRoutes
from cordwood.query.operating.operations import OPERATING as _OPERATING
from cordwood.query.operating.room import RoomRoutes
from cordwood.query.operating.shapes import Public, Service
from cordwood.query.operating.status import Sources, StatusRoutes
from cordwood.query.operating.whoami import WhoamiRoutes
from cordwood.store.interface import Store
from cordwood.wiring.opened import Tenants

OPERATING = (*_OPERATING, *DASHBOARDS)
"""What `operating` answers, described."""


def operating(
    config: Config, service: Service, store: Store, tables: Tables, tenants: Tenants, broker: Broker | None = None
) -> list[Route]:
    """`broker`: where this process has one."""
    clock, keys = SystemClock(), tenants.door
    public = Public(
        default_limit=config.query.default_limit,
        max_limit=config.query.max_limit,
        max_history=config.tail.max_history,
        public_url=config.alerts.public_url,
    )
    return [
        *WhoamiRoutes(keys, clock, service, public).routes(),
        *StatusRoutes(Sources(store, store, tenants.retention, broker), keys, clock, service).routes(),
        *RoomRoutes(store, store, keys, config.store.query_timeout_s).routes(),
        *KeyRoutes(tenants.book, keys, clock, keys.refresh).routes(),
        *DashboardRoutes(Dashboards(tables), SavedQueries(tables), keys, clock, config.alerts).routes(),
    ]
