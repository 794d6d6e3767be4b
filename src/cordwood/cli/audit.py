"""`cordwood audit`: is every accepted event accounted for?"""

import asyncio
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from cordwood.cli.options import DataDir
from cordwood.cli.process import configured
from cordwood.cli.telling import telling_errors
from cordwood.clock import SystemClock
from cordwood.model.ledger import Accounts, Finding, judge
from cordwood.model.tenant import Tenant
from cordwood.model.tenant import tenant as checked

_WIDEST = 10_000
_COLUMNS = ("tenant", "accepted", "stored", "deduplicated", "dead-lettered", "expired", "deleted", "held")


class Report(msgspec.Struct, frozen=True):
    """What `--json` prints."""

    is_balanced: bool
    is_counted: bool
    findings: list[Finding]
    accounts: Accounts


def audit(
    quick: Annotated[
        bool, typer.Option("--quick", help="Only compare the books with each other: count no events, read no files.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
    tenant: Annotated[str | None, typer.Option(help="Only this tenant.", show_default=False)] = None,
    data_dir: DataDir = None,
) -> None:
    """Check that every accepted event is stored, deduplicated or a dead letter, and still there.

    Counts every event in the store and compares: with what was recorded when it was stored, with what every api
    process says it sent, and each file with its digest. Runs beside the services; reads, never writes.

    Exit status: 0 when everything balances, 1 on any loss, doubling, imbalance or damage, 2 for wrong usage.
    """
    from cordwood.wiring import services

    config = configured(data_dir=data_dir)
    with telling_errors():
        owner = None if tenant is None else checked(tenant)
        accounts = asyncio.run(services.run_audit(config, owner, is_counted=not quick))
    findings = judge(accounts, SystemClock().now_us())
    faults = [finding for finding in findings if finding.is_fault]
    if as_json:
        report = Report(not faults, not quick, findings, accounts)
        typer.echo(msgspec.json.format(msgspec.json.encode(report), indent=2).decode())
    else:
        _print(accounts, findings, is_counted=not quick)
    raise typer.Exit(1 if faults else 0)


def _print(accounts: Accounts, findings: list[Finding], *, is_counted: bool) -> None:
    console = Console(highlight=False)
    table = Table(box=None, header_style="bold")
    for name in _COLUMNS:
        table.add_column(name, justify="left" if name == "tenant" else "right")
    for account in accounts.tenants:
        counts = (account.accepted, account.stored, account.deduplicated, account.dead_lettered)
        table.add_row(account.tenant, *(f"{count:,}" for count in counts), *_held(accounts, account.tenant))
    if accounts.tenants:
        # A number that is cut is a wrong one: rather a line that the window folds.
        Console(highlight=False, width=_WIDEST).print(table)
    else:
        console.print("no event was ever stored")
    for finding in findings:
        mark = "[bold red]✗[/]" if finding.is_fault else "[yellow]·[/]"
        console.print(f"{mark} {finding.tenant}: {finding.kind.replace('_', ' ')}: ", end="")
        console.print(finding.what, markup=False)
    if any(finding.is_fault for finding in findings):
        console.print("[bold red]not everything is accounted for[/]")
    else:
        counted = "every event counted" if is_counted else "books only; without --quick every event is counted"
        console.print(f"[bold green]balanced[/] ({counted})")


def _held(accounts: Accounts, tenant: Tenant) -> tuple[str, str, str]:
    mine = [holding for holding in accounts.holdings if holding.tenant == tenant]
    held = [holding.held for holding in mine if holding.held is not None]
    expired, deleted = sum(holding.expired for holding in mine), sum(holding.deleted for holding in mine)
    return f"{expired:,}", f"{deleted:,}", f"{sum(held):,}" if held or not mine else "?"
