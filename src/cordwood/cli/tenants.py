"""`cordwood tenants`: list tenants and set their limits."""

from collections.abc import Mapping
from typing import Annotated

import msgspec
import typer

from cordwood.cli.keys import AsJson, tenant_named, with_tenancy
from cordwood.cli.options import DataDir
from cordwood.cli.process import configured
from cordwood.cli.shown import print_json, print_table
from cordwood.cli.telling import telling_errors
from cordwood.errors import ConfigError
from cordwood.model.tenant import Tenant
from cordwood.tenancy.interface import LimitName, Limits, Tenancy

_NONE = "none"
_MAX_LIMIT = 1 << 53
"""Exact in every part that counts, the scripts of Redis included."""

tenants = typer.Typer(name="tenants", help="Tenants and what they may send.", no_args_is_help=True)


@tenants.command(name="list")
def list_tenants(as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """List the tenants that have limits or keys. A dash is no limit."""
    config = configured(data_dir=data_dir)

    async def read(tenancy: Tenancy) -> dict[Tenant, Limits]:
        without = {key.tenant: Limits() for key in await tenancy.keys()}
        return without | dict(await tenancy.limits())

    with telling_errors():
        found = sorted(with_tenancy(config, read).items())
    if as_json:
        print_json([_members(name, limits) for name, limits in found])
        return
    columns = ("tenant", "events/s", "bytes/s", "bytes/day", "retention days")
    print_table(columns, [(name, *map(_shown, msgspec.structs.astuple(limits))) for name, limits in found])


@tenants.command(name="set")
def set_limits(
    name: Annotated[str, typer.Argument(help="The tenant.", show_default=False)],
    rate_events_per_s: Annotated[str | None, typer.Option(help="Events a second.", metavar="N|none")] = None,
    rate_bytes_per_s: Annotated[
        str | None, typer.Option(help="Bytes of events a second, uncompressed.", metavar="N|none")
    ] = None,
    daily_bytes: Annotated[str | None, typer.Option(help="Bytes of events a UTC day.", metavar="N|none")] = None,
    retention_days: Annotated[str | None, typer.Option(help="Days that events are kept.", metavar="N|none")] = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Set limits of a tenant: those that are given; `none` removes one. Without any, show them.

    Running processes follow within a second.

    cordwood tenants set acme --rate-events-per-s 5000 --daily-bytes 10000000000
    """
    config = configured(data_dir=data_dir)
    given: Mapping[LimitName, str | None] = {
        "rate_events_per_s": rate_events_per_s,
        "rate_bytes_per_s": rate_bytes_per_s,
        "daily_bytes": daily_bytes,
        "retention_days": retention_days,
    }
    with telling_errors():
        owner = tenant_named(name)
        changes = {limit: _limit_of(limit, text) for limit, text in given.items() if text is not None}

        async def change(tenancy: Tenancy) -> Limits:
            if not changes:
                return (await tenancy.limits()).get(owner, Limits())
            return await tenancy.change_limits(owner, changes)

        limits = with_tenancy(config, change)
    if as_json:
        print_json(_members(owner, limits))
        return
    shown = [f"{limit} {_shown(value)}" for limit, value in msgspec.structs.asdict(limits).items() if value is not None]
    typer.echo(f"{owner}: {', '.join(shown) or 'no limits'}")


def _limit_of(name: LimitName, text: str) -> int | None:
    if text == _NONE:
        return None
    digits = text.replace("_", "")
    if not (digits.isascii() and digits.isdigit() and 0 < int(digits[:20]) <= _MAX_LIMIT):
        option = name.replace("_", "-")
        raise ConfigError(f"{text!r} is no limit", hint=f"--{option} takes a whole number from 1 on, or none")
    return int(digits)


def _members(name: Tenant, limits: Limits) -> dict[str, object]:
    return {"tenant": name, **msgspec.structs.asdict(limits)}


def _shown(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"
