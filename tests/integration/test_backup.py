"""`cordwood backup` and `cordwood restore`: the embedded platform is lost, and comes back with everything."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.support.backups import Sending, stored, until_balanced
from tests.support.processes import Cordwood
from tests.support.waiting import wait_until


def backup(server: Cordwood, target: Path, *options: str) -> Any:
    done = server.run("backup", str(target), "--json", *options)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def restored(source: Path, data: Path) -> Cordwood:
    """A server on what was restored, not started yet."""
    server = Cordwood("up", data)
    done = server.run("restore", str(source))
    assert done.returncode == 0, done.stderr
    return server


def test_a_backup_of_a_busy_server_holds_all_that_was_accepted_before(tmp_path: Path) -> None:
    data, target = tmp_path / "data", tmp_path / "backup"
    with Cordwood("up", data, worker_tend_interval_s="0.05") as up:
        with Sending(up) as sending:
            before = sending.until(3000)
            told = backup(up, target)
            sending.until(1000)
        after = set(sending.accepted())
        up.kill()
    shutil.rmtree(data)
    with restored(target, tmp_path / "new") as up:
        wait_until(lambda: b"cordwood_broker_backlog_batches 0.0" in up.get("/metrics")[1], 60, "an empty queue")
        until_balanced(up)
        found = stored(up)
        assert len(found) == len(set(found)), "nothing is doubled"
        assert set(before) <= set(found) <= after
        assert told["is_well"]
        assert told["events"] <= len(found)
        assert up.run("store", "check").returncode == 0


def test_what_waits_in_the_queue_comes_back_and_what_the_store_has_of_it_is_not_doubled(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with Cordwood("api", data) as api:
        for part in range(5):
            body = b"\n".join(b'{"n":%d}' % n for n in range(part * 100, part * 100 + 100))
            assert api.post("/api/v1/ingest", body)[0] == 202
        # Dies after a commit, before the queue is told.
        dead = subprocess.run(
            [sys.executable, "-m", "tests.support.dying_worker"],
            env={**os.environ, **api.environment},
            timeout=60,
            capture_output=True,
            check=False,
        )
        assert dead.returncode == -signal.SIGKILL, dead.stderr.decode()
        told = backup(api, tmp_path / "backup", "--link")
        api.kill()
    assert told["events"] > 0, "the store holds what the queue holds too"
    shutil.rmtree(data)
    with restored(tmp_path / "backup", tmp_path / "new") as up:
        wait_until(lambda: up.count() == 500, 30, "what waited to be stored")
        until_balanced(up)
        assert sorted(stored(up)) == list(range(500))
        assert b"cordwood_store_duplicate_batches_total 0.0" not in up.get("/metrics")[1]


def test_a_backup_of_a_stopped_platform_is_complete_too(tmp_path: Path) -> None:
    with Cordwood("up", tmp_path / "data") as up:
        assert up.post("/api/v1/ingest?wait=stored", b'{"n":1}')[0] == 202
        saved = json.dumps({"query": "service:shop"}).encode()
        assert up.ask("PUT", "/api/v1/saved-queries/shop", saved, **{"content-type": "application/json"})[0] in (
            200,
            201,
            204,
        )
        key = json.loads(up.run("keys", "create", "--scope", "query", "--json").stdout)["key"]
        up.stop()
    told = backup(up, tmp_path / "backup")
    assert (told["events"], told["segments"]) == (1, 1)
    assert told["databases"] == ["queue.sqlite", "store/catalog.sqlite", "keys.sqlite", "alerts.sqlite"]
    with restored(tmp_path / "backup", tmp_path / "new") as up:
        asked = {"authorization": f"Bearer {key}"}
        assert up.json("/api/v1/query", **asked)["events"][0]["data"] == {"n": 1}
        assert "shop" in str(up.json("/api/v1/saved-queries", **asked))


def test_what_cannot_be_backed_up_or_restored_is_said(tmp_path: Path) -> None:
    nothing = Cordwood("up", tmp_path / "nothing")
    done = nothing.run("backup", str(tmp_path / "backup"))
    assert (done.returncode, "there is no store in" in done.stderr) == (2, True)
    assert not (tmp_path / "backup").exists()
    done = nothing.run("restore", str(tmp_path / "backup"))
    assert (done.returncode, "no complete backup" in done.stderr) == (2, True)
    assert not (tmp_path / "nothing").exists()
    services = Cordwood("up", tmp_path / "data", store_url="postgresql://u:secret@localhost/logs")
    for command in ("backup", "restore"):
        with Cordwood("up", tmp_path / f"some-{command}") as up:
            up.stop()
        backup(up, tmp_path / command)
        done = services.run(command, str(tmp_path / (command if command == "restore" else "other")))
        assert (done.returncode, "pg_dump" in done.stderr, "secret" in done.stderr) == (2, True, False)
    elsewhere = Cordwood("up", tmp_path / "data", broker_url="amqp://localhost")
    assert "another broker" in elsewhere.run("restore", str(tmp_path / "restore")).stderr
    elsewhere = Cordwood("up", tmp_path / "data", store_url=f"file:{tmp_path}/other")
    assert "with store.url unset" in elsewhere.run("restore", str(tmp_path / "restore")).stderr
