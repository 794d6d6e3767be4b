"""What a page asks to operate Cordwood: who one is, how it stands, what takes the room, api keys and dashboards; and
that nothing of it tells of another tenant."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.fixtures import database
from tests.support.processes import Cordwood
from tests.support.waiting import wait_until

JSON = {"content-type": "application/json"}
KEYS, BOARDS = "/api/v1/keys", "/api/v1/dashboards"
CONFIGURED = "0123456789abcdef0123"
PANEL = {"id": "p1", "title": "Errors", "query": "level:error | timechart count()", "x": 0, "y": 0, "w": 12, "h": 4}
BOARD = {"title": "Checkout", "about": "what we look at", "panels": [PANEL]}


class Place:
    """A service that runs, and two tenants with a key each."""

    def __init__(self, up: Cordwood, ours: str, theirs: str) -> None:
        self.up, self.ours, self.theirs = up, {"X-API-Key": ours}, {"X-API-Key": theirs}

    def get(self, path: str, who: dict[str, str] | None = None) -> Any:
        return self.up.json(path, **(self.ours if who is None else who))

    def ask(self, method: str, path: str, body: Any = None, who: dict[str, str] | None = None) -> tuple[int, Any]:
        sent = None if body is None else json.dumps(body).encode()
        status, answer = self.up.ask(method, path, sent, **JSON, **(self.ours if who is None else who))
        return status, json.loads(answer)


def made(process: Cordwood, *arguments: str) -> str:
    done = process.run("keys", "create", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module", params=["embedded", "services"])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    data = tmp_path_factory.mktemp("operating") / "data"
    if request.param == "embedded":
        yield from opened(Cordwood("up", data, tenancy_api_keys=CONFIGURED, store_retention_days="30"))
        return
    with database(request.getfixturevalue("postgres")) as url:
        settings = {"store_url": url, "tenancy_api_keys": CONFIGURED, "store_retention_days": "30"}
        assert Cordwood("migrate", data, **settings).run().returncode == 0
        yield from opened(Cordwood("up", data, **settings))


def opened(up: Cordwood) -> Iterator[Place]:
    every = ("--scope", "ingest", "--scope", "query", "--scope", "admin")
    ours, theirs = made(up, "--tenant", "acme", *every), made(up, "--tenant", "other", *every)
    with up:
        found = Place(up, ours, theirs)
        events = [{"level": "error", "service": "shop", "n": n} for n in range(20)]
        for who, sent in ((found.ours, events), (found.theirs, events[:3])):
            assert up.post("/api/v1/ingest?wait=stored", json.dumps(sent).encode(), **who)[0] == 202
        yield found


class TestWhoami:
    def test_a_key_is_told_what_it_opens(self, place: Place) -> None:
        told = place.get("/api/v1/whoami")
        key_id = place.ours["X-API-Key"].split("_")[1]
        assert (told["tenant"], told["actor"], told["scopes"]) == (
            "acme",
            f"key {key_id}",
            ["ingest", "query", "admin"],
        )
        assert (told["keys_required"], told["service"], told["takes_logs"]) == (True, "up", True)
        assert told["public"]["max_limit"] == 10_000
        assert abs(datetime.fromisoformat(told["now"]) - datetime.now(UTC)) < timedelta(seconds=30)
        assert CONFIGURED not in json.dumps(told)
        assert place.get("/api/v1/whoami", {"X-API-Key": CONFIGURED})["tenant"] == "default"

    def test_any_scope_will_do_and_no_key_will_not(self, place: Place) -> None:
        _, answer = place.ask("POST", KEYS, {"scopes": ["ingest"], "name": "for whoami"})
        assert place.get("/api/v1/whoami", {"X-API-Key": answer["key"]})["scopes"] == ["ingest"]
        for who in ({}, {"X-API-Key": "wrong"}):
            assert place.up.get("/api/v1/whoami", **who)[0] == 401


class TestStatus:
    def test_it_tells_what_came_in_and_became_of_it(self, place: Place) -> None:
        told = place.get("/api/v1/status?minutes=10")
        assert len(told["minutes"]) == 10
        assert [minute["start"] for minute in told["minutes"]] == sorted(minute["start"] for minute in told["minutes"])
        sums = {name: sum(minute[name] for minute in told["minutes"]) for name in ("accepted", "stored", "batches")}
        assert sums == {"accepted": 20, "stored": 20, "batches": 1}
        waited = told["accept_to_stored"]
        assert waited["batches"] == 1
        assert 0 <= waited["p50_ms"] <= waited["p99_ms"] <= waited["max_ms"] < 60_000
        assert told["broker"]["batches"] in (0, 1), "a heartbeat may be on its way"
        assert told["store"]["events"] == 20
        assert told["dead_letters"] == {"events": 0, "letters": 0}
        assert (told["retention_days"], told["service"]) == (30, "up")
        assert told["started_at"] < told["now"]
        assert place.get("/api/v1/status", place.theirs)["store"]["events"] == 3
        assert place.get("/api/v1/status", {"X-API-Key": CONFIGURED})["accept_to_stored"] is None

    def test_what_came_in_the_last_full_minute_is_told_by_second(self, place: Place) -> None:
        def is_over() -> bool:
            told = place.get("/api/v1/status?minutes=1")
            minutes = place.get("/api/v1/status?minutes=2")["minutes"]
            return bool(told["ingest"]["events_per_s"] == minutes[0]["accepted"] / 60)

        wait_until(is_over, 10, "both to be of the same minute")

    @pytest.mark.parametrize("query", ["minutes=0", "minutes=1441", "minutes=x", "minutes=²", "hours=1"])
    def test_mistakes_are_told(self, place: Place, query: str) -> None:
        status, answer = place.ask("GET", f"/api/v1/status?{query.replace('²', '%C2%B2')}")
        assert status == 400
        assert "minutes" in json.dumps(answer)


def test_the_store_tells_what_takes_the_room_and_nothing_of_others(place: Place) -> None:
    told = place.get("/api/v1/store")
    assert (told["events"], told["services"]) == (20, [{"service": "shop", "events": 20}])
    assert (told["unreadable"], told["truncated"], told["complete"]) == ([], False, True)
    theirs = place.get("/api/v1/store", place.theirs)
    assert (theirs["events"], theirs["services"]) == (3, [{"service": "shop", "events": 3}])
    if told["kind"] == "postgresql":
        assert (told["rows"], told["bytes"], told["parts"]) == (20, None, []), "of all tenants, no size is told"
    else:
        assert told["segments"] == theirs["segments"] == 1
        assert "service" in {field["field"] for field in told["fields"]}
        assert sum(part["bytes"] for part in told["parts"]) == told["bytes"] > theirs["bytes"] > 0


class TestKeys:
    def test_a_key_is_shown_once_works_at_once_and_ends_at_once(self, place: Place) -> None:
        status, answer = place.ask("POST", KEYS, {"name": "Käse", "scopes": ["query"], "expires": "30d"})
        assert status == 200, answer
        key = answer.pop("key")
        assert (answer["id"], answer["state"], answer["tenant"]) == (key.split("_")[1], "active", "acme")
        assert answer["expires_at"] > answer["created_at"]
        assert place.up.get("/api/v1/query/count", **{"X-API-Key": key})[0] == 200
        listed = place.get(KEYS)["keys"]
        assert answer in listed
        assert key.split("_")[2] not in json.dumps(listed) + place.up.log()
        status, gone = place.ask("DELETE", f"{KEYS}/{answer['id']}")
        assert (status, gone["state"]) == (200, "revoked")
        assert place.up.get("/api/v1/query/count", **{"X-API-Key": key})[0] == 401
        assert place.ask("DELETE", f"{KEYS}/{key}")[1] == gone, "a pasted key does as well, and ends once"
        assert "key_made" in place.up.log()

    def test_another_tenants_keys_are_not_there(self, place: Place) -> None:
        ours = place.get("/api/v1/whoami")["actor"].removeprefix("key ")
        assert {key["tenant"] for key in place.get(KEYS, place.theirs)["keys"]} == {"other"}
        status, answer = place.ask("DELETE", f"{KEYS}/{ours}", who=place.theirs)
        assert (status, answer["type"]) == (404, "urn:cordwood:problem:not_found")
        assert place.get("/api/v1/whoami")["tenant"] == "acme", "the key goes on"
        assert place.get(KEYS, {"X-API-Key": CONFIGURED})["keys"] == [], "nor are configured ones"

    def test_a_key_gives_no_scope_that_it_has_not(self, place: Place) -> None:
        _, maker = place.ask("POST", KEYS, {"name": "maker", "scopes": ["admin", "query"]})
        who = {"X-API-Key": maker["key"]}
        status, answer = place.ask("POST", KEYS, {"scopes": ["admin", "ingest"]}, who)
        assert (status, answer["type"]) == (403, "urn:cordwood:problem:forbidden")
        assert "'ingest'" in answer["detail"]
        assert place.ask("POST", KEYS, {"scopes": ["query"]}, who)[0] == 200
        _, reader = place.ask("POST", KEYS, {"scopes": ["query", "ingest"]})
        for method, path in (("GET", KEYS), ("POST", KEYS), ("DELETE", f"{KEYS}/{maker['id']}")):
            body = {"scopes": ["query"]} if method == "POST" else None
            assert place.ask(method, path, body, {"X-API-Key": reader["key"]})[0] == 403

    @pytest.mark.parametrize(
        ("body", "says"),
        [
            ({"scopes": []}, "scopes"),
            ({"scopes": ["root"]}, "scopes"),
            ({"name": "x"}, "scopes"),
            ({"scopes": ["query"], "name": "x" * 201}, "name"),
            ({"scopes": ["query"], "name": "a\0"}, "control characters"),
            ({"scopes": ["query"], "expires": "soon"}, "'expires' is no time"),
            ({"scopes": ["query"], "expires": "0d"}, "'expires' is past"),
            ({"scopes": ["query"], "expires": "2020-01-01T00:00:00Z"}, "'expires' is past"),
            ({"scopes": ["query"], "tenant": "other"}, "tenant"),
        ],
    )
    def test_mistakes_are_told(self, place: Place, body: dict[str, Any], says: str) -> None:
        before = len(place.get(KEYS)["keys"])
        status, answer = place.ask("POST", KEYS, body)
        assert status == 400
        assert says in answer["detail"]
        assert len(place.get(KEYS)["keys"]) == before


def test_the_first_key_closes_the_door_only_where_that_is_meant(tmp_path: Path) -> None:
    with Cordwood("up", tmp_path / "data") as up:
        told = up.json("/api/v1/whoami")
        assert (told["tenant"], told["actor"], told["keys_required"]) == ("default", "anyone", False)
        assert told["scopes"] == ["ingest", "query", "admin"]
        asked = {"name": "first", "scopes": ["admin", "query"]}
        status, body = up.post(KEYS, json.dumps(asked).encode(), **JSON)
        assert (status, json.loads(body)["type"]) == (409, "urn:cordwood:problem:unconfirmed")
        assert "closes_door" in json.loads(body)["hint"]
        assert up.json(KEYS)["keys"] == []
        status, body = up.post(KEYS, json.dumps(asked | {"closes_door": True}).encode(), **JSON)
        assert status == 200, body
        key = json.loads(body)["key"]
        assert up.get("/api/v1/whoami")[0] == up.get(KEYS)[0] == 401
        assert up.json("/api/v1/whoami", **{"X-API-Key": key})["keys_required"] is True
        status, body = up.post(KEYS, json.dumps(asked).encode(), **JSON, **{"X-API-Key": key})
        assert status == 200, "the door is closed already"
        assert up.post(KEYS, json.dumps(asked).encode(), **{"X-API-Key": key})[0] == 415


class TestDashboards:
    def test_one_is_kept_shown_listed_and_forgotten(self, place: Place) -> None:
        status, answer = place.ask("PUT", f"{BOARDS}/checkout", BOARD)
        assert status == 200, answer
        assert answer["panels"] == [PANEL | {"saved": None, "chart": "auto"}]
        assert (answer["name"], answer["built_in"], answer["range"]) == (
            "checkout",
            False,
            {"start": "-1h", "end": None},
        )
        assert place.get(f"{BOARDS}/checkout") == answer
        assert place.ask("PUT", f"{BOARDS}/copy%20of%20it", answer)[1] == answer | {"name": "copy of it"}
        listed = place.get(BOARDS)["dashboards"]
        assert [each["name"] for each in listed] == ["overview", "errors", "http", "checkout", "copy of it"]
        assert listed[3] == {
            "name": "checkout", "title": "Checkout", "about": "what we look at", "built_in": False, "panels": 1,
        }  # fmt: skip
        for name in ("checkout", "copy%20of%20it"):
            assert place.ask("DELETE", f"{BOARDS}/{name}")[0] == 200
            assert place.ask("DELETE", f"{BOARDS}/{name}")[0] == 404
        assert all(each["built_in"] for each in place.get(BOARDS)["dashboards"])

    def test_those_that_come_with_it_are_shown_and_stay(self, place: Place) -> None:
        shown = place.get(f"{BOARDS}/overview")
        assert (shown["name"], shown["built_in"]) == ("overview", True)
        for method, body in (("PUT", BOARD), ("DELETE", None)):
            status, answer = place.ask(method, f"{BOARDS}/overview", body)
            assert status == 400
            assert "another name" in answer["hint"]
        assert place.ask("PUT", f"{BOARDS}/ours", shown)[1] == shown | {"name": "ours", "built_in": False}
        assert place.get(f"{BOARDS}/overview", place.theirs) == shown
        assert place.ask("DELETE", f"{BOARDS}/ours")[0] == 200

    def test_another_tenants_are_not_there(self, place: Place) -> None:
        assert place.ask("PUT", f"{BOARDS}/secret", BOARD)[0] == 200
        assert place.ask("GET", f"{BOARDS}/secret", who=place.theirs)[0] == 404
        assert place.ask("DELETE", f"{BOARDS}/secret", who=place.theirs)[0] == 404
        assert all(each["built_in"] for each in place.get(BOARDS, place.theirs)["dashboards"])
        assert place.ask("PUT", f"{BOARDS}/secret", BOARD | {"title": "theirs"}, place.theirs)[0] == 200
        assert place.get(f"{BOARDS}/secret")["title"] == "Checkout"
        assert place.ask("DELETE", f"{BOARDS}/secret", who=place.theirs)[0] == 200
        assert place.ask("DELETE", f"{BOARDS}/secret")[0] == 200

    def test_a_panel_asks_a_saved_query_of_the_same_tenant(self, place: Place) -> None:
        board = BOARD | {"panels": [PANEL | {"query": "", "saved": "slow ones"}]}
        assert place.ask("PUT", "/api/v1/saved-queries/slow%20ones", {"query": "took:>1s"}, place.theirs)[0] == 200
        status, answer = place.ask("PUT", f"{BOARDS}/saved", board)
        assert (status, "no saved query 'slow ones'" in answer["detail"]) == (400, True)
        assert place.ask("PUT", f"{BOARDS}/saved", board, place.theirs)[0] == 200
        assert place.ask("DELETE", f"{BOARDS}/saved", who=place.theirs)[0] == 200

    def test_changing_needs_the_scope_admin(self, place: Place) -> None:
        _, reader = place.ask("POST", KEYS, {"scopes": ["query"]})
        who = {"X-API-Key": reader["key"]}
        assert place.ask("GET", f"{BOARDS}/http", who=who)[0] == 200
        assert place.ask("PUT", f"{BOARDS}/a", BOARD, who)[0] == place.ask("DELETE", f"{BOARDS}/a", who=who)[0] == 403

    def test_a_mistake_is_told_with_its_place(self, place: Place) -> None:
        board = BOARD | {"panels": [PANEL | {"query": "level:error | stat count()"}]}
        status, answer = place.ask("PUT", f"{BOARDS}/wrong", board)
        assert (status, answer["type"], answer["position"]) == (400, "urn:cordwood:problem:bad_query", 14)
        assert "panel 'p1'" in answer["detail"]


def test_a_query_service_that_runs_apart_has_no_queue_to_ask(place: Place, tmp_path: Path) -> None:
    settings = {name.removeprefix("CORDWOOD_").lower(): value for name, value in place.up.environment.items()}
    data = Path(settings.pop("data_dir"))
    settings.pop("log_format")
    with Cordwood("query", data, **settings) as query:
        beside = Place(query, place.ours["X-API-Key"], place.theirs["X-API-Key"])
        told = beside.get("/api/v1/status")
        assert (told["broker"], told["service"], told["store"]["events"]) == (None, "query", 20)
        assert beside.get("/api/v1/whoami")["takes_logs"] is False
        assert beside.get("/api/v1/store")["events"] == 20
        _, answer = beside.ask("POST", KEYS, {"scopes": ["query"], "name": "made beside"})
        wait_until(
            lambda: place.up.get("/api/v1/whoami", **{"X-API-Key": answer["key"]})[0] == 200, 2, "both to know the key"
        )
        assert beside.ask("PUT", f"{BOARDS}/beside", BOARD)[0] == 200
        assert place.get(f"{BOARDS}/beside")["title"] == "Checkout"
        assert place.ask("DELETE", f"{BOARDS}/beside")[0] == 200
