"""The guide's questions, asked over lines made here, are answered as plain Python answers them."""

import json
import random
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cordwood.cli.app import app_of
from tests.support.processes import Cordwood
from tests.support.ten_questions import ACCESS, STATUS, Rows, expected, questions
from tests.support.waiting import wait_until

AGENTS = ["Mozilla/5.0 (X11; Linux)", "Googlebot/2.1 (+http://www.google.com/bot.html)", "-", 'odd \\"bot\\" here']
REFERERS = [
    "-",
    "http://semicomplete.com/a",
    "http://www.google.com/search?q=x",
    "http://www.google.com/url?url=http://semicomplete.com/a",
    "https://example.org/",
    "android-app://x/",
]


def access_lines(rng: random.Random) -> list[str]:
    start = datetime(2015, 5, 17, 20, tzinfo=UTC)
    lines = []
    for number in range(600):
        at = start + timedelta(minutes=7 * number)
        client = (
            f"66.249.{rng.randrange(3)}.{rng.randrange(9)}" if rng.random() < 0.4 else f"10.0.0.{rng.randrange(40)}"
        )
        status = rng.choice([200, 200, 200, 304, 404, 404, 500])
        size = "-" if status == 304 else rng.randrange(5000)
        request = f"{rng.choice(['GET', 'POST'])} /page{rng.randrange(12)} HTTP/1.1"
        end = f'"{rng.choice(REFERERS)}" "{rng.choice(AGENTS)}"'
        lines.append(f'{client} - - [{at:%d/%b/%Y:%H:%M:%S} +0000] "{request}" {status} {size} {end}')
    return [*lines, lines[0][:-5]]


def status_lines(rng: random.Random) -> list[str]:
    total, lines = 18_000_000, []
    for number in range(60):
        total += rng.randrange(99)
        peers = [{"id": 0, "state": "up"}, {"id": 1, "state": rng.choice(["up", "unhealthy", "unhealthy"])}]
        lines.append(
            json.dumps(
                {
                    "nginx_version": "1.9.4",
                    "timestamp": 1_446_249_499_322 + 5000 * number,
                    "connections": {"accepted": number, "active": rng.randrange(9)},
                    "requests": {"total": total, "current": 2},
                    "server_zones": {"hg.nginx.org": {"responses": {"2xx": number}}},
                    "upstreams": {"trac-backend": {"peers": peers}},
                }
            )
        )
    return lines


@pytest.fixture(scope="module")
def lines() -> tuple[list[str], list[str]]:
    rng = random.Random(10)
    return access_lines(rng), status_lines(rng)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, lines: tuple[list[str], list[str]]) -> Iterator[Cordwood]:
    root: Path = tmp_path_factory.mktemp("questions")
    with Cordwood("up", root / "data") as running:
        for name, some, parse in ((ACCESS, lines[0], "combined"), (STATUS, lines[1], "json")):
            (root / name).write_text("\n".join(some) + "\n")
            command = ["send", "--parse", parse, "--url", running.url, str(root / name)]
            result = CliRunner().invoke(app_of(["send"]), command)
            assert result.exit_code == 0, result.output
        count = sum(map(len, lines))
        wait_until(lambda: running.json("/api/v1/query/count")["count"] == count, 30)
        yield running


@pytest.mark.parametrize("number", range(11))
def test_a_question_is_answered_as_plain_python_answers_it(
    server: Cordwood, lines: tuple[list[str], list[str]], number: int
) -> None:
    command = shlex.split(questions()[number].command)
    result = CliRunner().invoke(app_of([command[0]]), [*command, "--json", "--url", server.url])
    assert result.exit_code == 0, result.output
    rows: Rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert rows == [pytest.approx(row) for row in expected(*lines)[number]]


def test_each_question_is_in_the_guide() -> None:
    assert len(questions()) == 11
