"""`cordwood keys`: make, list and revoke api keys."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, TypeVar

import typer

from cordwood.cli.options import DataDir
from cordwood.cli.process import configured
from cordwood.cli.shown import minute, moment, print_json, print_table
from cordwood.cli.telling import telling_errors
from cordwood.clock import SystemClock
from cordwood.config import Config
from cordwood.errors import BadRequest, ConfigError
from cordwood.model.event import parse_timestamp
from cordwood.model.tenant import DEFAULT_TENANT, Tenant, tenant
from cordwood.neutral import neutral
from cordwood.tenancy.interface import SCOPES, Scope, StoredKey, Tenancy
from cordwood.tenancy.keys import digest_of, new_key

T = TypeVar("T")

_UNITS_S = {"m": 60, "h": 3600, "d": 86_400}
_MAX_NAME = 200

keys = typer.Typer(name="keys", help="API keys: who may send and ask.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
OfTenant = Annotated[str | None, typer.Option("--tenant", help="Only this tenant's.", show_default=False)]


@keys.command()
def create(
    owner: Annotated[str, typer.Option("--tenant", help="The tenant that the key opens.")] = DEFAULT_TENANT,
    scopes: Annotated[
        list[str] | None,
        typer.Option(
            "--scope",
            help="What it may do: ingest, query or admin; may be repeated.  [default: ingest, query]",
            show_default=False,
        ),
    ] = None,
    name: Annotated[str, typer.Option(help="A note for people: whose key it is, and what for.")] = "",
    expires: Annotated[
        str | None,
        typer.Option(help="End of its life: 12h, 30d, or a time in RFC 3339. Never if not given.", show_default=False),
    ] = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Make a key. It is printed now and never again: only its SHA-256 is kept.

    cordwood keys create --tenant acme --scope ingest --name "web servers"
    """
    config = configured(data_dir=data_dir)
    with telling_errors():
        now_us = SystemClock().now_us()
        if len(name) > _MAX_NAME:
            raise ConfigError(f"the name has {len(name)} characters", hint=f"use at most {_MAX_NAME}")
        key, key_id = new_key()
        stored = StoredKey(
            id=key_id,
            tenant=tenant_named(owner),
            scopes=_scopes_of(scopes or ("ingest", "query")),
            name=name,
            created_at_us=now_us,
            expires_at_us=None if expires is None else _end_of_life(expires, now_us),
        )

        async def add(tenancy: Tenancy) -> bool:
            is_first = not await tenancy.keys()
            await tenancy.add(stored, digest_of(key))
            return is_first

        is_first = with_tenancy(config, add)
    if as_json:
        print_json({"key": key, **_members(stored, now_us)})
        return
    typer.echo(key)
    typer.echo(f"id {key_id} · tenant {stored.tenant} · {', '.join(sorted(stored.scopes))}", err=True)
    typer.echo("Keep the key now: it cannot be shown again.", err=True)
    if is_first and not config.tenancy.api_keys:
        typer.echo("This is the first key: from now on every request needs one, also on this machine.", err=True)


@keys.command(name="list")
def list_keys(of_tenant: OfTenant = None, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """List the keys ever made, the oldest first; those of CORDWOOD_TENANCY_API_KEYS are not among them.

    A last use is noted within about a minute.
    """
    config = configured(data_dir=data_dir)
    with telling_errors():

        async def read(tenancy: Tenancy) -> list[StoredKey]:
            return [key for key in await tenancy.keys() if of_tenant in (None, key.tenant)]

        found = with_tenancy(config, read)
    now_us = SystemClock().now_us()
    if as_json:
        print_json([_members(key, now_us) for key in found])
        return
    rows = [
        (
            key.id,
            _state(key, now_us),
            key.tenant,
            ", ".join(sorted(key.scopes)),
            key.name,
            minute(key.created_at_us),
            minute(key.expires_at_us),
            minute(key.last_used_at_us),
        )
        for key in found
    ]
    print_table(("id", "state", "tenant", "scopes", "name", "created", "expires", "last used"), rows)


@keys.command()
def revoke(
    ids: Annotated[list[str], typer.Argument(help="Ids, as `cordwood keys list` shows them.", show_default=False)],
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """End keys. Every running process refuses them within a second."""
    config = configured(data_dir=data_dir)
    now_us = SystemClock().now_us()

    async def end(tenancy: Tenancy) -> list[StoredKey]:
        return [await tenancy.revoke(_id_of(text), now_us) for text in ids]

    with telling_errors():
        before = with_tenancy(config, end)
    if as_json:
        print_json([{"id": key.id, "revoked_at": moment(key.revoked_at_us or now_us)} for key in before])
        return
    for key in before:
        was = "" if key.revoked_at_us is None else f" since {moment(key.revoked_at_us)}"
        typer.echo(f"revoked{was}: {key.id} · tenant {key.tenant} · {neutral(key.name) or 'no name'}")


def with_tenancy(config: Config, use: Callable[[Tenancy], Awaitable[T]]) -> T:
    """What `use` makes of the opened tenancy."""
    from cordwood.wiring.parts import open_tenancy

    async def main() -> T:
        async with open_tenancy(config) as tenancy:
            return await use(tenancy)

    return asyncio.run(main())


def tenant_named(text: str) -> Tenant:
    """A tenant that an option names."""
    try:
        return tenant(text)
    except BadRequest as error:
        raise ConfigError(error.message, hint=error.hint) from error


def _scopes_of(names: Sequence[str]) -> frozenset[Scope]:
    scopes = frozenset(scope for scope in SCOPES if scope in names)
    if unknown := sorted(set(names) - scopes):
        raise ConfigError(f"there is no scope {unknown[0]!r}", hint=f"scopes are {', '.join(SCOPES)}")
    return scopes


def _id_of(text: str) -> str:
    """The id; people paste whole keys, which must not be echoed."""
    match = re.fullmatch(r"cw_([0-9a-f]{12})_[0-9a-f]+", text)
    return match[1] if match else text


def _end_of_life(text: str, now_us: int) -> int:
    if match := re.fullmatch(r"(\d{1,6})([mhd])", text):
        return now_us + int(match[1]) * _UNITS_S[match[2]] * 1_000_000
    end_us = parse_timestamp(text)
    if end_us is None:
        raise ConfigError(f"{text!r} is no time", hint="for instance --expires 30d, or 2027-01-31T00:00:00Z")
    if end_us <= now_us:
        raise ConfigError(f"{text!r} is past", hint="a key that has expired already opens nothing")
    return end_us


def _state(key: StoredKey, now_us: int) -> str:
    if key.revoked_at_us is not None:
        return "revoked"
    return "expired" if key.expires_at_us is not None and key.expires_at_us <= now_us else "valid"


def _members(key: StoredKey, now_us: int) -> dict[str, object]:
    return {
        "id": key.id,
        "state": _state(key, now_us),
        "tenant": key.tenant,
        "scopes": sorted(key.scopes),
        "name": key.name,
        "created_at": moment(key.created_at_us),
        "expires_at": moment(key.expires_at_us),
        "revoked_at": moment(key.revoked_at_us),
        "last_used_at": moment(key.last_used_at_us),
    }
