"""`cordwood keys`: make, list and revoke api keys."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from typing import Annotated, TypeVar
from urllib.parse import urlsplit

import typer
from msgspec.structs import asdict

from cordwood.cli.options import DataDir
from cordwood.cli.process import configured
from cordwood.cli.shown import minute, moment, print_json, print_table
from cordwood.cli.telling import telling_errors
from cordwood.clock import SystemClock
from cordwood.config import Config, redacted
from cordwood.errors import BadRequest, ConfigError
from cordwood.model.tenant import DEFAULT_TENANT, Tenant, tenant
from cordwood.neutral import neutral
from cordwood.tenancy.interface import StoredKey, Tenancy
from cordwood.tenancy.issuing import Wanted, entry_of, id_in, issued, state_of
from cordwood.tenancy.keys import digest_of

T = TypeVar("T")

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
        with _wrong_usage():
            wanted = Wanted(name=name, scopes=scopes or ("ingest", "query"), expires=expires)
            key, stored = issued(wanted, tenant(owner), now_us)

        async def add(tenancy: Tenancy) -> bool:
            is_first = not await tenancy.keys()
            await tenancy.add(stored, digest_of(key))
            return is_first

        is_first = with_tenancy(config, add)
    if as_json:
        print_json({"key": key, **asdict(entry_of(stored, now_us))})
        return
    typer.echo(key)
    typer.echo(f"id {stored.id} · tenant {stored.tenant} · {', '.join(sorted(stored.scopes))}", err=True)
    typer.echo("Keep the key now: it cannot be shown again.", err=True)
    if is_first and not config.tenancy.api_keys:
        typer.echo(
            f"This is the first key of {_kept_in(config)}: from now on every request to its services needs one, "
            "also on this machine.",
            err=True,
        )


def _kept_in(config: Config) -> str:
    """Of which platform: a key made in another directory is of no use to this one, and does not close its door."""
    if urlsplit(config.store.url).scheme == "file":
        return str(config.data_dir.resolve())
    return redacted(config.store.url)


@keys.command(name="list")
def list_keys(of_tenant: OfTenant = None, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """List the keys ever made, the oldest first; those of CORDWOOD_TENANCY_API_KEYS are not among them.

    A last use is noted within about a minute.
    """
    config = configured(data_dir=data_dir)
    with telling_errors():
        owner = None if of_tenant is None else tenant_named(of_tenant)
        found = with_tenancy(config, lambda tenancy: tenancy.keys(owner))
    now_us = SystemClock().now_us()
    if as_json:
        print_json([entry_of(key, now_us) for key in found])
        return
    rows = [
        (
            key.id,
            state_of(key, now_us),
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
        return [await tenancy.revoke(id_in(text), now_us) for text in ids]

    with telling_errors():
        before = with_tenancy(config, end)
    if as_json:
        print_json([{"id": key.id, "revoked_at": moment(key.revoked_at_us or now_us)} for key in before])
        return
    for key in before:
        was = "" if key.revoked_at_us is None else f" since {moment(key.revoked_at_us)}"
        typer.echo(f"revoked{was}: {key.id} · tenant {key.tenant} · {neutral(key.name) or 'no name'}")


def with_tenancy(config: Config, use: Callable[[Tenancy], Awaitable[T]]) -> T:
    """What `use` makes of the opened tenancy. Tells of a data directory that this makes: it may be the wrong one."""
    from cordwood.wiring.parts import open_tenancy

    was_there = config.data_dir.exists()

    async def main() -> T:
        async with open_tenancy(config) as tenancy:
            return await use(tenancy)

    found = asyncio.run(main())
    if not was_there and config.data_dir.exists():
        made = neutral(str(config.data_dir.absolute()))
        typer.echo(
            f"There was no {made}: it is made. A server with another data directory sees nothing of it.", err=True
        )
    return found


def tenant_named(text: str) -> Tenant:
    """A tenant that an option names."""
    with _wrong_usage():
        return tenant(text)


@contextlib.contextmanager
def _wrong_usage() -> Iterator[None]:
    """What a request must not ask for, an option must not either."""
    try:
        yield
    except BadRequest as error:
        raise ConfigError(error.message, hint=error.hint) from error
