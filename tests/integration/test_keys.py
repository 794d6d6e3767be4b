"""`cordwood keys` and running services: who comes in, who does not, and how soon that changes."""

import base64
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.fixtures import database
from tests.support.processes import Cordwood
from tests.support.servers import Postgres
from tests.support.waiting import wait_until

CONFIGURED = "0123456789abcdef0123"


def made(process: Cordwood, *arguments: str) -> str:
    """A new key."""
    done = process.run("keys", "create", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def listed(process: Cordwood, *arguments: str) -> list[dict[str, Any]]:
    done = process.run("keys", "list", "--json", *arguments)
    assert done.returncode == 0, done.stderr
    keys: list[dict[str, Any]] = json.loads(done.stdout)
    return keys


def id_of(key: str) -> str:
    return key.split("_")[1]


def asked(process: Cordwood, key: str | None) -> int:
    """The status of a question."""
    return process.get("/api/v1/query/count", **({} if key is None else {"X-API-Key": key}))[0]


def sent(process: Cordwood, key: str | None) -> int:
    """The status of an event sent."""
    return process.post("/log", b'{"n":1}', **({} if key is None else {"X-API-Key": key}))[0]


def is_alive(process: Cordwood) -> bool:
    try:
        return process.get("/health")[0] == 200
    except OSError:
        return False


class TestCommands:
    @pytest.fixture
    def place(self, tmp_path: Path) -> Cordwood:
        """Not started: an environment for commands."""
        return Cordwood("up", tmp_path / "data")

    def test_a_key_is_shown_once_and_kept_as_a_digest(self, place: Cordwood, tmp_path: Path) -> None:
        done = place.run("keys", "create", "--tenant", "acme", "--scope", "ingest", "--name", "web\x1b[31m servers")
        key = done.stdout.strip()
        assert done.stdout == f"{key}\n", "nothing but the key, for $(cordwood keys create)"
        assert "cannot be shown again" in done.stderr
        assert f"first key of {tmp_path / 'data'}:" in done.stderr
        (entry,) = listed(place)
        assert (entry["id"], entry["tenant"], entry["scopes"]) == (id_of(key), "acme", ["ingest"])
        assert (entry["state"], entry["expires_at"], entry["last_used_at"]) == ("active", None, None)
        secret = key.split("_")[2]
        for file in (tmp_path / "data").iterdir():
            assert secret.encode() not in file.read_bytes(), f"{file.name} holds the key"
        table = place.run("keys", "list").stdout
        assert id_of(key) in table
        assert "\x1b" not in table
        assert secret not in table

    def test_a_data_directory_that_is_made_by_it_is_told(self, place: Cordwood, tmp_path: Path) -> None:
        """As in a directory where no server looks."""
        first, second = place.run("keys", "create"), place.run("keys", "create")
        assert f"There was no {tmp_path / 'data'}: it is made." in first.stderr
        assert "it is made" not in second.stderr

    def test_json_has_the_key_too(self, place: Cordwood) -> None:
        done = place.run("keys", "create", "--json", "--expires", "2h", "--scope", "admin", "--scope", "query")
        told = json.loads(done.stdout)
        assert told["key"].startswith(f"cw_{told['id']}_")
        assert told["scopes"] == ["admin", "query"]
        assert told["expires_at"] > told["created_at"]

    def test_a_pasted_key_is_revoked_and_not_echoed(self, place: Cordwood) -> None:
        key, other = made(place), made(place, "--tenant", "b")
        done = place.run("keys", "revoke", key)
        assert done.returncode == 0
        assert key not in done.stdout
        assert [each["state"] for each in listed(place)] == ["revoked", "active"]
        assert "since" in place.run("keys", "revoke", id_of(key)).stdout
        assert [each["id"] for each in listed(place, "--tenant", "b")] == [id_of(other)]

    @pytest.mark.parametrize(
        ("arguments", "status", "says"),
        [
            (("create", "--tenant", "A B"), 2, "tenant name 'A B'"),
            (("create", "--scope", "all"), 2, "scopes are ingest, query, admin"),
            (("create", "--expires", "soon"), 2, "for instance 30d"),
            (("create", "--expires", "2020-01-01T00:00:00Z"), 2, "is past"),
            (("create", "--name", "x" * 201), 2, "at most 200"),
            (("revoke", "nobody"), 1, "`cordwood keys list`"),
            (("revoke",), 2, "ids"),
        ],
    )
    def test_mistakes_are_told(self, place: Cordwood, arguments: tuple[str, ...], status: int, says: str) -> None:
        done = place.run("keys", *arguments)
        assert (done.returncode, done.stdout) == (status, "")
        assert says in done.stderr
        assert "Traceback" not in done.stderr


class TestOneProcess:
    def test_every_spelling_and_every_scope(self, tmp_path: Path) -> None:
        place = Cordwood("up", tmp_path / "data")
        writes, reads = made(place, "--scope", "ingest"), made(place, "--scope", "query")
        rules = made(place, "--scope", "admin")
        with Cordwood("up", tmp_path / "data", tenancy_api_keys=CONFIGURED) as up:
            basic = base64.b64encode(f"anyone:{writes}".encode()).decode()
            for headers in (
                {"Authorization": f"Bearer {writes}"},
                {"Authorization": f"Basic {basic}"},
                {"X-API-Key": writes},
            ):
                assert up.post("/log?wait=stored", b'{"n":1}', **headers)[0] == 202
            assert [sent(up, key) for key in (writes, reads, rules, CONFIGURED)] == [202, 403, 403, 202]
            assert [asked(up, key) for key in (writes, reads, rules, CONFIGURED)] == [403, 200, 403, 200]
            status, body = up.get("/api/v1/query", **{"X-API-Key": writes})
            problem = json.loads(body)
            assert (status, problem["type"]) == (403, "urn:cordwood:problem:forbidden")
            assert "'query'" in problem["detail"]
            for key in (None, "", "wrong", writes[:-1]):
                assert (sent(up, key), asked(up, key)) == (401, 401)
            assert up.get("/health")[0] == up.get("/ready")[0] == up.get("/metrics")[0] == 200
            assert writes.split("_")[2] not in up.log()
            up.stop()
        used = {each["id"]: each["last_used_at"] for each in listed(place)}
        assert used[id_of(writes)]
        assert used[id_of(rules)], "a refused use is a use"

    def test_the_door_closes_with_the_first_key(self, tmp_path: Path) -> None:
        with Cordwood("up", tmp_path / "data") as up:
            assert (sent(up, None), asked(up, None)) == (202, 200)
            key = made(up)
            wait_until(lambda: sent(up, None) == 401, 1, "the door to close")
            assert (sent(up, key), asked(up, key)) == (202, 200)
            assert up.run("keys", "revoke", id_of(key)).returncode == 0
            wait_until(lambda: sent(up, key) == 401, 1, "the key to end")
            assert sent(up, None) == 401, "the end of the last key opens nothing"

    def test_a_public_address_needs_a_key_or_a_word(self, tmp_path: Path) -> None:
        public = Cordwood("api", tmp_path / "data", http_host="0.0.0.0")
        public.start(wait=False)
        assert public.process is not None
        assert public.process.wait(15) == 2
        assert "cordwood keys create" in public.log()
        made(public)
        with public:
            assert sent(public, None) == 401
        with Cordwood("api", tmp_path / "other", http_host="0.0.0.0", http_insecure="true") as insecure:
            assert sent(insecure, None) == 202
            key = made(insecure)
            wait_until(lambda: sent(insecure, None) == 401, 1, "the door to close")
            assert sent(insecure, key) == 202


class TestOnPostgres:
    @pytest.fixture
    def url(self, victim_postgres: Postgres) -> Iterator[str]:
        with database(victim_postgres.url) as url:
            yield url
            victim_postgres.start()

    def test_a_revoked_key_ends_in_every_process_within_a_second(self, url: str, tmp_path: Path) -> None:
        place = Cordwood("migrate", tmp_path / "one", store_url=url)
        assert place.run().returncode == 0
        key, other = made(place), made(place)
        with (
            Cordwood("api", tmp_path / "one", store_url=url) as one,
            Cordwood("api", tmp_path / "two", store_url=url) as two,
            Cordwood("query", tmp_path / "three", store_url=url) as query,
        ):
            assert (sent(one, key), sent(two, key), asked(query, key)) == (202, 202, 200)
            assert place.run("keys", "revoke", id_of(key)).returncode == 0
            revoked_s = time.monotonic()
            wait_until(lambda: (sent(one, key), sent(two, key), asked(query, key)) == (401, 401, 401), 1)
            assert time.monotonic() - revoked_s < 1
            assert (sent(one, other), sent(two, other), asked(query, other)) == (202, 202, 200)

    def test_known_keys_go_on_while_postgresql_is_away(
        self, url: str, victim_postgres: Postgres, tmp_path: Path
    ) -> None:
        place = Cordwood("migrate", tmp_path / "one", store_url=url)
        assert place.run().returncode == 0
        key = made(place)
        with Cordwood("api", tmp_path / "one", store_url=url) as api:
            assert sent(api, key) == 202
            victim_postgres.kill()
            away = b"cordwood_keys_read_failures_total 0.0"
            wait_until(lambda: away not in api.get("/metrics")[1], 5, "the api to notice")
            assert (sent(api, key), sent(api, "wrong"), sent(api, None)) == (202, 401, 401)
            assert api.get("/ready")[0] == 200, "it does all its work"
            assert place.run("keys", "list").returncode == 1
            with Cordwood("api", tmp_path / "two", store_url=url, tenancy_api_keys=CONFIGURED) as fresh:
                status, body = fresh.post("/log", b"{}", **{"X-API-Key": key})
                assert (status, json.loads(body)["type"]) == (503, "urn:cordwood:problem:unavailable")
                assert (sent(fresh, CONFIGURED), sent(fresh, None)) == (202, 401)
                blind = Cordwood("api", tmp_path / "three", store_url=url).start(wait=False)
                wait_until(lambda: is_alive(blind), 15, "it to answer")
                assert (sent(blind, key), sent(blind, None)) == (503, 503)
                assert "keys" in json.loads(blind.get("/ready")[1])["reasons"]
                victim_postgres.start()
                for each in (fresh, blind):
                    wait_until(lambda each=each: sent(each, key) == 202, 5, "the keys to be read")  # type: ignore[misc]
                    assert each.get("/ready")[0] == 200
                blind.stop()
            assert place.run("keys", "revoke", id_of(key)).returncode == 0
            wait_until(lambda: sent(api, key) == 401, 5, "the key to end after the outage")

    def test_tables_that_were_never_made_are_told(self, url: str, tmp_path: Path) -> None:
        done = Cordwood("up", tmp_path / "data", store_url=url).run("keys", "list")
        assert done.returncode == 1
        assert "cordwood migrate" in done.stderr
