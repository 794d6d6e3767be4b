"""`cordwood sql-user`: logins to PostgreSQL for psql, Grafana and BI tools, each for the events of one tenant."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer

from cordwood.cli.keys import AsJson, OfTenant, tenant_named
from cordwood.cli.options import DataDir
from cordwood.cli.process import configured
from cordwood.cli.shown import minute, moment, print_json, print_table
from cordwood.cli.telling import telling_errors
from cordwood.config import Config
from cordwood.model.tenant import DEFAULT_TENANT
from cordwood.neutral import neutral
from cordwood.store.sql_users import Bounds, Made, SqlUser, SqlUsers

T = TypeVar("T")

sql_user = typer.Typer(
    name="sql-user", help="Logins to PostgreSQL for psql, Grafana and BI tools.", no_args_is_help=True
)

Name = Annotated[str, typer.Argument(help="The login's name.", show_default=False)]


@sql_user.command()
def create(
    name: Name,
    owner: Annotated[str, typer.Option("--tenant", help="The tenant whose events it sees.")] = DEFAULT_TENANT,
    timeout_s: Annotated[
        float | None,
        typer.Option("--timeout", min=1, help="Seconds a statement may take.  [default: store.sql_timeout_s]"),
    ] = None,
    connections: Annotated[int, typer.Option(min=1, max=1000, help="Connections it may have at once.")] = 8,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Make a login that reads one tenant's events, in the view logs. Its password is printed now and never again.

    cordwood sql-user create grafana --tenant acme
    """
    config = configured(data_dir=data_dir)
    with telling_errors():
        tenant = tenant_named(owner)
        bounds = Bounds(timeout_s or config.store.sql_timeout_s, connections)
        made = _with_users(config, lambda users: users.create(name, tenant, bounds))
    _tell(made, as_json=as_json)
    if not as_json:
        for each in made.open:
            typer.echo(f"open: {each}", err=True)


@sql_user.command(name="list")
def list_users(of_tenant: OfTenant = None, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """List the logins there are, and those that the service made for itself."""
    config = configured(data_dir=data_dir)
    with telling_errors():
        every = _with_users(config, lambda users: users.users())
    found = [user for user in every if of_tenant in (None, user.tenant)]
    if as_json:
        print_json([_members(user) for user in found])
        return
    rows = [
        (
            user.name,
            user.tenant,
            "/api/v1/sql" if user.is_own else "people",
            "valid" if user.is_there else "dropped by hand",
            minute(user.created_at_us),
        )
        for user in found
    ]
    print_table(("name", "tenant", "for", "state", "created"), rows)


@sql_user.command()
def rotate(name: Name, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Give a login another password. It is printed now and never again; connections that there are go on."""
    config = configured(data_dir=data_dir)
    with telling_errors():
        made = _with_users(config, lambda users: users.rotate(name))
    _tell(made, as_json=as_json)


@sql_user.command()
def delete(name: Name, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Drop a login, and end its connections."""
    config = configured(data_dir=data_dir)
    with telling_errors():
        user = _with_users(config, lambda users: users.delete(name))
    if as_json:
        print_json(_members(user))
    else:
        typer.echo(f"dropped: {neutral(user.name)} · tenant {user.tenant}")


def _with_users(config: Config, use: Callable[[SqlUsers], Awaitable[T]]) -> T:
    from cordwood.wiring.logins import open_sql_users

    async def main() -> T:
        async with open_sql_users(config) as users:
            return await use(users)

    return asyncio.run(main())


def _tell(made: Made, *, as_json: bool) -> None:
    url = f"postgresql://{made.name}:{made.password}@{made.where}"
    if as_json:
        print_json({"name": made.name, "password": made.password, "url": url, "open": made.open})
        return
    typer.echo(made.password)
    typer.echo(f"psql postgresql://{made.name}@{made.where}", err=True)
    typer.echo("Keep the password now: it cannot be shown again.", err=True)


def _members(user: SqlUser) -> dict[str, object]:
    return {
        "name": user.name,
        "tenant": user.tenant,
        "is_own": user.is_own,
        "is_there": user.is_there,
        "created_at": moment(user.created_at_us),
    }
