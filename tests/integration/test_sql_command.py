"""`cordwood sql`: one statement, standard input, and the prompt."""

import csv
import io
import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cordwood.cli.app import app_of
from tests.support.processes import Cordwood

EVENTS = [{"level": "error" if n % 2 else "info", "n": n, "tags": ["a"]} for n in range(4)]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cordwood]:
    with Cordwood("up", tmp_path_factory.mktemp("sql") / "data") as running:
        body = "\n".join(map(json.dumps, EVENTS)).encode()
        assert running.post("/log?wait=stored", body, **{"content-type": "application/x-ndjson"})[0] == 202
        yield running


def run(server: Cordwood, *arguments: str, text: str | None = None) -> tuple[int, str, str]:
    result = CliRunner().invoke(app_of(["sql"]), ["sql", *arguments, "--url", server.url], input=text)
    return result.exit_code, result.stdout, result.stderr


def test_a_statement_is_answered_as_a_table(server: Cordwood) -> None:
    code, text, _ = run(server, "select level, count(*) as n from logs group by all order by level;")
    assert (code, text) == (0, "level  n\nerror  2\ninfo   2\n")


def test_programs_get_json_and_csv(server: Cordwood) -> None:
    statement = "select n, level from logs where n < 2 order by n"
    _, text, _ = run(server, statement, "--json")
    assert [json.loads(line) for line in text.splitlines()] == [{"n": 0, "level": "info"}, {"n": 1, "level": "error"}]
    _, text, _ = run(server, "--csv", text=statement)
    assert list(csv.reader(io.StringIO(text))) == [["n", "level"], ["0", "info"], ["1", "error"]]


def test_what_is_wrong_is_shown_where(server: Cordwood) -> None:
    code, _, told = run(server, "select getenv('HOME') from logs")
    assert code == 2
    assert told.splitlines()[-1].strip("^ ") == ""
    assert "getenv" in told


def test_there_are_more_rows_than_asked_for(server: Cordwood) -> None:
    code, text, told = run(server, "select n from logs", "--limit", "2")
    assert (code, len(text.splitlines())) == (0, 3)
    assert "there are more" in told


def test_the_prompt_takes_statements_of_many_lines(server: Cordwood, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path), "TERM": "dumb"}
    command = [sys.executable, "-m", "cordwood", "sql", "--url", server.url]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment) as process:
        os.close(theirs)
        os.write(ours, b"select count(*)\n as total\nfrom logs;\nselect broken;\n\\d\n\\q\n")
        shown = b""
        try:
            while block := os.read(ours, 1 << 16):
                shown += block
        except OSError:  # how Linux says that the other end is closed
            pass
        finally:
            os.close(ours)
        assert process.wait(30) == 0
    text = shown.decode()
    assert "total" in text
    assert "broken" in text.rpartition("select broken;")[2]
    assert "tags" in text
    assert (tmp_path / "cordwood" / "sql_history").stat().st_mode & 0o777 == 0o600
