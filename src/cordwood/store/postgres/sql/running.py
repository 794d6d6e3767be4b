"""Question → a connection that is the tenant's login → rows."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Iterator, Sequence

import asyncpg

from cordwood.db.postgres import Database
from cordwood.errors import BadQuery, BadRequest, CordwoodError, Unavailable
from cordwood.model.plan import paths
from cordwood.model.tenant import Tenant
from cordwood.store.postgres.keeping import refuse_other
from cordwood.store.postgres.sql.reading import Asked, read
from cordwood.store.postgres.sql.users import PostgresSqlUsers
from cordwood.store.postgres.sql.values import Columns, set_types
from cordwood.store.selecting import Question, Rows
from cordwood.store.settings import StoreSettings

_BLOCK = 32
"""Rows that come at once: the driver holds all of them, so that with `_MOST_ROW_BYTES` this bounds memory."""
_MOST_ROW_BYTES = 8 << 20
_GRACE_MS = 5_000
"""Past its time a question is ended by this process; when it cannot, by the server."""
_CHECK_CLIENT_MS = 1_000
_DECLARE = "DECLARE cordwood_answer NO SCROLL CURSOR FOR\n"
_FETCH = f"FETCH FORWARD {_BLOCK} FROM cordwood_answer"


class PostgresSql:
    """See `store.selecting.SqlReader`."""

    def __init__(self, database: Database, users: PostgresSqlUsers, settings: StoreSettings) -> None:
        self._database = database
        self._users = users
        self._timeout_s = settings.sql_timeout_s

    async def ask(self, question: Question, tenant: Tenant) -> AsyncGenerator[Rows, None]:
        asked = read(question.text)
        await self._require_rows()
        login = await self._users.own(tenant)
        deadline = asyncio.get_running_loop().time() + self._timeout_s
        async with self._database.alone(login.name, login.password, self._session()) as connection:
            with _telling(question.text, self._timeout_s):
                async with asyncio.timeout_at(deadline):
                    await set_types(connection)
                    await _declare(connection, asked, question)
                    fetching = await connection.prepare(_FETCH)
                columns = Columns(fetching.get_attributes())
                is_first = True
                while True:
                    async with asyncio.timeout_at(deadline):
                        rows = await fetching.fetch()
                        if not rows and not is_first:
                            return
                        is_first = False
                        batch = await asyncio.to_thread(columns.batch, rows)
                    yield Rows(columns.columns, batch)

    async def _require_rows(self) -> None:
        """Raises Unavailable where segments answer: their rows may be gone, or never have been."""
        async with self._database.connection() as connection:
            refuse_other(await connection.fetchval("SELECT answers FROM keeping"), "rows")

    def _session(self) -> dict[str, str]:
        return {
            "application_name": "cordwood sql",
            "TimeZone": "UTC",
            "DateStyle": "ISO, YMD",
            "IntervalStyle": "postgres",
            "statement_timeout": f"{round(self._timeout_s * 1000) + _GRACE_MS}",
            "client_connection_check_interval": f"{_CHECK_CLIENT_MS}",
            "standard_conforming_strings": "on",
            # Most of an answer is read, as a rule: not the plan that is quickest to begin.
            "cursor_tuple_fraction": "1",
        }


async def _declare(connection: asyncpg.Connection, asked: Asked, question: Question) -> None:
    """A cursor over the answer, in a transaction that only reads."""
    before = f"{_DECLARE}WITH logs AS NOT MATERIALIZED ({await _logs(connection, asked.fields, question)}) {_BEFORE}"
    await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SAVEPOINT asked")
    # By itself first: that it is one SELECT, its brackets closed, is for PostgreSQL's parser to say, which has said so
    # before it looks for columns. Fields are columns of the second statement only.
    with _placed(_DECLARE), contextlib.suppress(*((asyncpg.UndefinedColumnError,) if asked.fields else ())):
        await connection.prepare(f"{_DECLARE}{asked.text}")
    await connection.execute("ROLLBACK TO SAVEPOINT asked")
    with _placed(before):
        await connection.fetch(f"{before}{asked.text}{_BEHIND}")


async def _logs(connection: asyncpg.Connection, fields: Sequence[str], question: Question) -> str:
    """The relation of this question: the time that it names, and its fields. A cursor takes no parameters; the server
    puts values and names into the text."""
    bounds = []
    for sign, at_us in ((">=", question.start_us), ("<", question.end_us)):
        if at_us is not None:
            bounds.append(f"ts {sign} {await connection.fetchval(_MOMENT, at_us)}::timestamptz")
    columns = ["*"]
    for field in fields:
        ways = [await connection.fetchval(_WAY, [*keys]) for keys in paths(field)]
        columns.append(f"coalesce({', '.join([*ways, 'NULL'])}) AS {await connection.fetchval(_QUOTED, field)}")
    where = f" WHERE {' AND '.join(bounds)}" if bounds else ""
    return f"SELECT {', '.join(columns)} FROM cordwood_sql.logs{where}"


@contextlib.contextmanager
def _placed(before: str) -> Iterator[None]:
    """Places that PostgreSQL tells are counted from where the question's own text begins."""
    try:
        yield
    except asyncpg.PostgresError as error:
        if error.position:
            error.position = str(int(error.position) - len(before))
        raise


@contextlib.contextmanager
def _telling(text: str, timeout_s: float) -> Iterator[None]:
    """What goes wrong, as whoever asked can understand it."""
    try:
        yield
    except TimeoutError as error:
        raise _late(timeout_s) from error
    except asyncpg.QueryCanceledError as error:
        raise _late(timeout_s) from error
    except asyncpg.PostgresError as error:
        if (told := _told(error, text)) is not None:
            raise told from error
        raise
    except (ValueError, OverflowError) as error:
        raise BadRequest(f"a value of the answer cannot be read: {error}", hint="cast it to text") from error


def _told(error: asyncpg.PostgresError, text: str) -> CordwoodError | None:
    """None: nobody's who asked."""
    state, message = error.sqlstate or "", error.args[0] if error.args else ""
    if state == "CW001":
        return BadRequest(
            f"the question was stopped: {message}", hint="name the columns that you need, or ask for less"
        )
    # Memory, the size of a value, temporary files, the depth of a text.
    if state in ("53200", "53400", "54000", "54001") or "invalid memory alloc request" in message:
        return BadRequest(f"the question was stopped: {message}", hint="ask for less at once")
    if state[:2] in ("08", "53", "57", "58", "F0", "XX", "28"):
        return None
    position = max(0, int(error.position or 1) - 1)
    length = _word_at(text, position) if error.position else 0
    return BadQuery(message, query=text, position=min(position, len(text)), length=length, hint=error.hint or "")


def _word_at(text: str, position: int) -> int:
    end = position
    while end < len(text) and (text[end].isalnum() or text[end] in "_.$"):
        end += 1
    return max(1, end - position) if position < len(text) else 0


def _late(timeout_s: float) -> Unavailable:
    return Unavailable(
        f"the question took more than {timeout_s:g} s and was stopped",
        hint="ask for less, with start and end, or raise store.sql_timeout_s",
    )


# Rows that are too large to be sent are refused where they are made.
_BEFORE = "SELECT cordwood_q.* FROM (SELECT * FROM (\n"
_BEHIND = (
    "\n) AS cordwood_p OFFSET 0) AS cordwood_q"
    f" WHERE cordwood_within(octet_length((cordwood_q.*)::text), {_MOST_ROW_BYTES})"
)

_WAY = "SELECT format('data #>> %L::text[]', $1::text[])"

_QUOTED = "SELECT quote_ident($1::text)"

_MOMENT = "SELECT quote_literal($1::timestamptz::text)"
