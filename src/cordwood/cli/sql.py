"""`cordwood sql`: SQL over stored events, one statement or at a prompt."""

import contextlib
import csv
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import typer

from cordwood.cli.rows import print_rows
from cordwood.cli.search import quiet_pipe
from cordwood.cli.telling import telling_errors
from cordwood.client.http import Api
from cordwood.errors import BadQuery, CordwoodError
from cordwood.neutral import neutral

_Form = Literal["table", "json", "csv"]
_HELP = r"""A SELECT over the relation logs, ended by ;
Columns: id, timestamp, inserted_at, level, service, message, data, and every field by its path: "http.status".
  \d  the fields that there are    \?  this help    Ctrl-C  forget the line    Ctrl-D  leave"""
_MOST_REMEMBERED = 1000


class _Column(msgspec.Struct, frozen=True):
    name: str
    type: str


class _Answer(msgspec.Struct, frozen=True):
    columns: Sequence[_Column]
    rows: Sequence[Sequence[Any]]
    truncated: bool
    complete: bool


class _Field(msgspec.Struct, frozen=True):
    name: str
    types: Sequence[str]
    events: int


class _Fields(msgspec.Struct, frozen=True):
    fields: Sequence[_Field]


class _Asking:
    """Puts statements to the server, and prints what comes back."""

    def __init__(self, api: Api, start: str | None, end: str | None, limit: int | None, form: _Form) -> None:
        self._api = api
        self._further = {name: value for name, value in (("start", start), ("end", end), ("limit", limit)) if value}
        self._form = form

    def ask(self, sql: str) -> bool:
        """Whether the answer is complete. Raises what `Api.post` raises."""
        answer = self._api.post("/api/v1/sql", {"sql": sql, **self._further}, _Answer)
        names = [column.name for column in answer.columns]
        if self._form == "csv":
            writer = csv.writer(sys.stdout)
            writer.writerow(names)
            writer.writerows([_cell(value) for value in row] for row in answer.rows)
        else:
            lines = (msgspec.json.encode(dict(zip(names, row, strict=True))) for row in answer.rows)
            if self._form == "json":
                for line in lines:
                    typer.echo(line)
            elif not print_rows(lines, sys.stdout.buffer).rows:
                typer.echo("no row", err=True)
        if answer.truncated:
            typer.echo(f"the first {len(answer.rows):,} rows; there are more: LIMIT, or ask for NDJSON", err=True)
        if not answer.complete:
            typer.echo("not complete: damaged segments are left out", err=True)
        return answer.complete

    def describe(self) -> None:
        """The fields that there are."""
        found = self._api.get("/api/v1/fields", _Fields)
        rows = [{"column": each.name, "types": ", ".join(each.types), "events": each.events} for each in found.fields]
        print_rows(map(msgspec.json.encode, rows), sys.stdout.buffer)


def sql(
    statement: Annotated[
        str, typer.Argument(metavar="[SQL]", help="One SELECT; none: a prompt, or standard input.", show_default=False)
    ] = "",
    start: Annotated[
        str | None, typer.Option(help="Events from this time on: RFC 3339, Unix time, or -15m.", show_default=False)
    ] = None,
    end: Annotated[str | None, typer.Option(help="Events before this time.", show_default=False)] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Rows in an answer.", show_default=False)] = None,
    is_json: Annotated[bool, typer.Option("--json", help="A JSON object a row.")] = False,
    is_csv: Annotated[bool, typer.Option("--csv", help="CSV with a first line of names.")] = False,
    url: Annotated[str, typer.Option(envvar="CORDWOOD_URL", help="Server to ask.")] = "http://127.0.0.1:8080",
    api_key: Annotated[
        str | None, typer.Option(envvar="CORDWOOD_API_KEY", help="Key with the query scope.", show_default=False)
    ] = None,
) -> None:
    """Ask stored events in SQL.

    cordwood sql 'select service, count(*) from logs where level = $$error$$ group by all' --start -1h

    Exit status: 0 when the answer is complete, 1 when it is not, 2 for SQL that cannot be answered.
    """
    form: _Form = "json" if is_json else "csv" if is_csv else "table"
    with telling_errors(), quiet_pipe():
        api = Api(url, api_key)
        asking = _Asking(api, start, end, limit, form)
        text = statement or ("" if sys.stdin.isatty() else sys.stdin.read())
        if text.strip():
            is_complete = _asked_once(asking, text.strip().removesuffix(";"))
        else:
            is_complete = True
            _prompt(asking)
        api.close()
    if not is_complete:
        raise typer.Exit(1)


def _asked_once(asking: _Asking, text: str) -> bool:
    try:
        return asking.ask(text)
    except BadQuery as error:
        typer.echo(f"cordwood: {_shown(error, text)}", err=True)
        raise typer.Exit(2) from error


def _prompt(asking: _Asking) -> None:
    """Reads statements until there are no more."""
    with _remembering():
        typer.echo(r"SQL over logs; \? for help", err=True)
        lines: list[str] = []
        while True:
            try:
                line = input("     -> " if lines else "logs => ")
            except EOFError:
                typer.echo("", err=True)
                return
            except KeyboardInterrupt:
                lines = []
                typer.echo("", err=True)
                continue
            if not lines and line.strip() in (r"\?", r"\d", r"\q", ""):
                if line.strip() == r"\q":
                    return
                _meta(asking, line.strip())
                continue
            lines.append(line)
            if line.rstrip().endswith(";"):
                _answer(asking, "\n".join(lines).rstrip().removesuffix(";"))
                lines = []


def _meta(asking: _Asking, command: str) -> None:
    if command == r"\?":
        typer.echo(_HELP)
    elif command == r"\d":
        with _going_on(""):
            asking.describe()


def _answer(asking: _Asking, text: str) -> None:
    with _going_on(text):
        asking.ask(text)


@contextlib.contextmanager
def _going_on(text: str) -> Iterator[None]:
    """What goes wrong is told; the prompt stays."""
    try:
        yield
    except CordwoodError as error:
        typer.echo(_shown(error, text), err=True)
    except KeyboardInterrupt:
        typer.echo("stopped", err=True)


@contextlib.contextmanager
def _remembering() -> Iterator[None]:
    """Lines can be edited, and called back in the next session."""
    try:
        import readline
    except ImportError:  # not everywhere
        yield
        return
    place = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "cordwood" / "sql_history"
    with contextlib.suppress(OSError):
        readline.read_history_file(place)
    readline.set_history_length(_MOST_REMEMBERED)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            place.parent.mkdir(parents=True, exist_ok=True)
            readline.write_history_file(place)
            place.chmod(0o600)


def _shown(error: CordwoodError, text: str) -> str:
    """An error, under its place where there is one."""
    said = neutral(error.message) + (f"\n{neutral(error.hint)}" if error.hint else "")
    if not isinstance(error, BadQuery) or not error.length:
        return said
    line_start = text.rfind("\n", 0, error.position) + 1
    line = text[line_start:].partition("\n")[0]
    return f"{said}\n  {neutral(line)}\n  {' ' * (error.position - line_start)}{'^' * min(error.length, len(line))}"


def _cell(value: Any) -> Any:
    return msgspec.json.encode(value).decode() if isinstance(value, list | dict | bool) else value
