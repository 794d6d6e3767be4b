"""Alert rules without servers: how states go on, what may be reached, what messages let through, back-tests."""

import asyncio
import ipaddress
import json
import socket
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordwood.alerts.checks import check_saved, checked_name, is_public, may_be_public, watch_of
from cordwood.alerts.delivering import Postman
from cordwood.alerts.interface import Letter
from cordwood.alerts.message import line_of, slack
from cordwood.alerts.receivers.http import HttpSender
from cordwood.alerts.receivers.interface import NotTaken
from cordwood.alerts.settings import AlertSettings
from cordwood.clock import SystemClock
from cordwood.errors import BadQuery, BadRequest
from cordwood.model.alerts.rule import SavedQuery, Webhook, masked_rule, unmasked
from cordwood.model.alerts.state import State, after_failure, after_value
from cordwood.model.answer import StoredEvent
from cordwood.model.tenant import DEFAULT_TENANT
from cordwood.query.alerts.backtest import BackTester
from tests.support.alerting import US, Values, notice, rule

NOW_US = 1_795_000_000_000_000
MINUTE_US = 60 * US


def states(values: list[float], needed: int) -> list[str | None]:
    kinds: list[str | None] = []
    state = State(since_us=0)
    for value in values:
        state, kind = after_value(state, 0, value, is_match=value > 0, needed=needed)
        kinds.append(kind)
    return kinds


def test_it_fires_after_as_many_matches_in_a_row_as_are_asked_for() -> None:
    assert states([1, 1, 0, 1, 1, 1, 1, 0, 0], 3) == [None, None, None, None, None, "firing", None, "resolved", None]
    assert states([1, 0], 1) == ["firing", "resolved"]


def test_a_failure_is_no_answer() -> None:
    firing, _ = after_value(State(since_us=0), 0, 5, is_match=True, needed=1)
    failing, kind = after_failure(firing, 10 * US, "away", 60 * US)
    assert (failing.status, kind, failing.error) == ("firing", None, "away")
    unknown, kind = after_failure(failing, 70 * US, "away", 60 * US)
    assert (unknown.status, kind) == ("unknown", "unknown")
    assert after_failure(unknown, 99 * US, "away", 60 * US)[1] is None
    assert after_value(unknown, 99 * US, 5, is_match=True, needed=3)[1] == "firing"
    assert after_value(unknown, 99 * US, 0, is_match=False, needed=1)[1] == "resolved"


def test_no_matches_is_a_condition() -> None:
    condition = watch_of(rule(condition="no matches")).condition
    assert (condition.holds(0), condition.holds(1)) == (True, False)


@pytest.mark.parametrize("name", ["", " a", "a/b", "a\n", "ä", "x" * 101, "a\0"])
def test_names_are_plain(name: str) -> None:
    with pytest.raises(BadRequest, match="not usable"):
        checked_name(name)


def test_a_saved_query_may_have_pipes_and_must_be_a_query() -> None:
    check_saved(SavedQuery(query="level:error | stats count() by service"), NOW_US)
    with pytest.raises(BadQuery):
        check_saved(SavedQuery(query="level:error |"), NOW_US)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
        "::1", "::", "fe80::1", "fd00::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "ff02::1",
        "255.255.255.255",
    ],
)  # fmt: skip
def test_private_addresses_are_not_public(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))
    assert not may_be_public(address)


def test_public_ones_are() -> None:
    for address in ("1.1.1.1", "2606:4700::1111"):
        assert is_public(ipaddress.ip_address(address))
    assert may_be_public("hooks.slack.com")
    assert not may_be_public("localhost")


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "http://localhost:1/", "http://[::1]:1/", "http://2130706433/"])
def test_a_webhook_goes_to_no_private_address_unless_its_host_is_named(url: str) -> None:
    letter = Letter(notice(), Webhook(url))
    with pytest.raises(NotTaken, match="not public"):
        HttpSender(AlertSettings())(letter, 0, lambda cut: None)
    with pytest.raises(NotTaken, match="not among CORDWOOD_ALERTS_HOSTS"):
        HttpSender(AlertSettings(hosts="hooks.example.org"))(letter, 0, lambda cut: None)


async def test_a_receiver_that_trickles_is_cut_off() -> None:
    """Each byte comes in time, the answer never does; and the thread that waits for it comes back."""
    listener = socket.create_server(("127.0.0.1", 0))
    was_cut: list[bool] = []

    def trickle() -> None:
        connection, _ = listener.accept()
        connection.settimeout(0.05)
        try:
            connection.send(b"HTTP/1.1 200 OK\r\nx: ")
            while True:
                connection.send(b"y")
                try:
                    if not connection.recv(65536):
                        break
                except TimeoutError:
                    pass
        except OSError:
            pass
        was_cut.append(True)
        connection.close()

    thread = Thread(target=trickle, daemon=True)
    thread.start()
    with Postman(AlertSettings(hosts="127.0.0.1", deliver_timeout_s=0.5)) as postman:
        letter = Letter(notice(), Webhook(f"http://127.0.0.1:{listener.getsockname()[1]}/"))
        with pytest.raises(NotTaken, match="no answer within"):
            await postman.send(letter, 0)
    await asyncio.to_thread(thread.join, 5)
    assert was_cut
    listener.close()


def test_slack_gets_no_markup_of_the_log() -> None:
    hostile = "<!channel> *bold* ``` <https://evil.example|click> &amp; \x1b[2J \u202e"
    event = StoredEvent(
        SystemClock().batch_id(), NOW_US, NOW_US, "error", "a", json.dumps({"message": hostile}).encode()
    )
    told = json.loads(slack(notice(lines=(line_of(event),), query=hostile, about=hostile)))
    texts = [block["text"]["text"] for block in told["blocks"] if "text" in block]
    for text in [*texts[:-1], told["text"]]:
        assert "<" not in text
        assert "\x1b" not in text
        assert "\u202e" not in text
    (lines,) = [text for text in texts if text.startswith("```")]
    assert "`" not in lines[3:-3]
    assert all(len(text) <= 3000 for text in texts)


@given(st.dictionaries(st.text(), st.text() | st.integers() | st.none(), max_size=4), st.text())
def test_any_event_is_one_bounded_line(fields: dict[str, object], message: str) -> None:
    data = json.dumps({**fields, "message": message}).encode()
    line = line_of(StoredEvent(SystemClock().batch_id(), NOW_US, NOW_US, None, None, data))
    assert len(line) <= 300
    assert len(line.splitlines()) == 1


def test_masks_stand_for_what_they_hide() -> None:
    one, two = Webhook("https://a.example/1", "x"), Webhook("https://a.example/2", "y")
    kept = rule(one, two)
    shown = masked_rule(kept)
    assert "/1" not in repr(shown)
    assert unmasked(shown, kept) == kept


def test_credentials_in_an_address_are_masked() -> None:
    shown = masked_rule(rule(Webhook("https://user:secret@a.example:8443/x?y=z")))
    assert shown.receivers == (Webhook("https://a.example:8443/***"),)


class TestBacktest:
    """Against every window counted for itself."""

    @given(
        events=st.lists(st.integers(0, 180), max_size=60),
        condition=st.sampled_from(["> 0", "> 3", ">= 2", "< 2", "no matches", "= 1", "<= 1"]),
        needed=st.integers(1, 3),
        window=st.sampled_from(["1m", "5m"]),
    )
    def test_it_is_what_evaluations_would_have_found(
        self, events: list[int], condition: str, needed: int, window: str
    ) -> None:
        now_us = NOW_US // MINUTE_US * MINUTE_US
        times = [now_us - minutes * MINUTE_US - 1 for minutes in events]
        values = Values(lambda start, end: sum(start <= each < end for each in times))
        made = rule(condition=condition, window=window, interval="1m", consecutive=needed)
        settings = AlertSettings(delay_s=0, backtest_counts=10_000)
        tried = asyncio.run(BackTester(values, settings).run(made, 1, DEFAULT_TENANT, now_us))
        watch = watch_of(made)
        ends = [now_us - number * MINUTE_US for number in range(1440)][::-1]
        counts = [sum(end - watch.window_us <= each < end for each in times) for end in ends]
        state, fired = State(since_us=0), 0
        for count in counts:
            state, kind = after_value(state, 0, count, is_match=watch.condition.holds(count), needed=needed)
            fired += kind == "firing"
        assert tried.evaluations == 1440
        assert tried.matches == sum(map(watch.condition.holds, counts))
        assert tried.fired == fired
        assert tried.complete

    async def test_its_work_is_bounded_and_says_how_far_back_it_looked(self) -> None:
        values = Values(lambda *_: 5)
        settings = AlertSettings(backtest_counts=100)
        tried = await BackTester(values, settings).run(rule(condition="> 0"), 1, DEFAULT_TENANT, NOW_US)
        assert not tried.complete
        assert tried.counts == len(values.asked) == 100
        assert 40 < tried.evaluations < 100
        assert tried.fired == 1
        assert tried.firings[0].end is None

    async def test_more_evaluations_than_are_ever_tried_are_refused(self) -> None:
        with pytest.raises(BadRequest, match="have 2,592,000 evaluations"):
            await BackTester(Values(lambda *_: 0), AlertSettings()).run(rule(interval="1s"), 30, DEFAULT_TENANT, NOW_US)
