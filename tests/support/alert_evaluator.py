"""`python -m tests.support.alert_evaluator URL`: an evaluator and a sender as a process of its own, to be killed.

Its rules' values change from one evaluation time to the next; it answers slowly, so that it dies in the middle.
"""

import asyncio
import sys

from msgspec.structs import replace

from cordwood.alerts.interface import Measured
from cordwood.alerts.postgres import PostgresTables
from cordwood.alerts.service import Watching
from cordwood.clock import SystemClock
from cordwood.model.search.pipes import Search
from cordwood.model.tenant import Tenant
from tests.support.alerting import SETTINGS, US, Alerts, Values


class SlowValues(Values):
    async def value(self, search: Search, start_us: int, end_us: int, tenant: Tenant) -> Measured:
        await asyncio.sleep(0.05)
        return await super().value(search, start_us, end_us, tenant)


async def main(url: str) -> None:
    settings = replace(SETTINGS, timeout_s=0.2, deliver_timeout_s=2.0)
    values = SlowValues(lambda _, end_us: 11 if end_us // US % 2 else 0)
    async with PostgresTables(url) as tables:
        alerts = Alerts(tables, values, SystemClock(), settings)
        watching = Watching(alerts.evaluating, alerts.delivering, alerts.outbox, SystemClock(), settings)
        print("ready", flush=True)
        with alerts.postman:
            await watching.run(asyncio.Event())


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
