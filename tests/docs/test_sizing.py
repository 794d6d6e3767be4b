"""The page on sizing: its tables are what was measured, its commands are run."""

import json
import re
import shlex
import subprocess
from contextlib import ExitStack
from pathlib import Path

import psycopg
from bench.sizing import PAGE, RATES, ROOT, filled

from tests.support.processes import Cordwood
from tests.support.servers import Postgres, dropping
from tests.support.waiting import wait_until


def commands(heading: str) -> list[str]:
    """The shell lines below a heading."""
    section = PAGE.read_text().split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return [line for block in re.findall(r"```sh\n(.*?)```", section, re.DOTALL) for line in block.splitlines()]


def test_the_tables_are_what_was_measured() -> None:
    page = PAGE.read_text()
    results = json.loads((ROOT / "bench" / "results.json").read_text())
    assert page == filled(page, results), "run `python -m bench sizing`"
    assert all(f"{rate:,} events/s" in page for rate in RATES)
    results["cluster"]["rows"]["postgres_cpu_us_per_event"] *= 3
    assert page != filled(page, results), "the page follows the figures"


def test_what_runs_out_first_is_what_the_page_says() -> None:
    """Of a million events a second: the prose names parts, the figures must agree with it."""
    cluster = json.loads((ROOT / "bench" / "results.json").read_text())["cluster"]
    rows, segments = cluster["rows"], cluster["segments"]
    others = ("api", "worker", "rabbitmq")
    assert all(rows["postgres_cpu_us_per_event"] > rows[f"{part}_cpu_us_per_event"] for part in others)
    worker = segments["worker_cpu_us_per_event"] + segments["worker_later_cpu_us_per_event"]
    assert all(worker > segments[f"{part}_cpu_us_per_event"] for part in ("api", "postgres", "rabbitmq"))
    rolled = cluster["rolling"]
    assert [rolled[name] for name in ("missing", "doubled", "audit_faults", "cut_under_way", "answered_otherwise")] == [
        0
    ] * 5


def test_the_commands_of_several_queues(tmp_path: Path, service_urls: dict[str, str]) -> None:
    lines = commands("More than one queue")
    assert [line.split("cordwood ")[1].split()[0] for line in lines] == ["api", "worker", "api", "worker", "query"]
    queues, data = service_urls.pop("broker_queue"), tmp_path / "data"
    assert Cordwood("migrate", data, **service_urls).run().returncode == 0
    running: list[Cordwood] = []
    with ExitStack() as stack:
        for line in lines:
            *variables, _, command, _, _ = shlex.split(line)
            settings = {name: value for name, _, value in (each.partition("=") for each in variables)}
            process = Cordwood(command, data, **service_urls)
            # Queues of this test's own, as the server is shared.
            process.add_environment(**{name: f"{queues}.{value}" for name, value in settings.items()})
            running.append(stack.enter_context(process))
        first, _, second, _, query = running
        assert [each.post("/log", b'{"n":1}')[0] for each in (first, second)] == [202, 202]
        wait_until(lambda: query.count() == 2, 20, "both events to be stored")


def test_the_commands_of_a_replica(tmp_path: Path) -> None:
    copy, serve = commands("PostgreSQL: replicas, Citus")
    folder = "/var/lib/postgresql/replica"
    assert folder in copy
    assert folder in serve
    primary, replica = Postgres(), Postgres()
    with ExitStack() as stack:
        stack.callback(replica.close)
        stack.callback(primary.close)
        primary.start()
        settings = {"store_url": primary.url}
        assert Cordwood("migrate", tmp_path / "data", **settings).run().returncode == 0
        # The second server's directory gets the copy instead of a new cluster.
        as_owner = dropping(replica.directory)
        line = copy.replace("127.0.0.1:5432", f"127.0.0.1:{primary.port}").replace(
            folder, str(replica.directory / "data")
        )
        program, *arguments = shlex.split(line)
        subprocess.run([*as_owner, str(Postgres.binary(program)), *arguments], cwd="/", check=True, capture_output=True)
        replica.start()
        with psycopg.connect(primary.url, autocommit=True) as there, psycopg.connect(replica.url) as here:
            there.execute("INSERT INTO logs (ts, id, data, tenant) VALUES (now(), gen_random_uuid(), '{}', 'default')")
            here.autocommit = True
            wait_until(lambda: here.execute("SELECT count(*) FROM logs").fetchone() == (1,), 20, "the row to be there")
