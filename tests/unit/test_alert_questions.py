"""What rules may ask, and how what they found is told."""

import json

import pytest
from msgspec import UNSET

from cordwood.alerts.message import headline, line_of_group, mail, payload, slack
from cordwood.alerts.questions import question_of
from cordwood.errors import BadQuery, BadRequest
from cordwood.model.alerts.found import Found, HeldGroup
from cordwood.model.alerts.notice import Notice
from cordwood.model.alerts.rule import condition_of
from cordwood.model.alerts.state import State, after_value
from tests.support.alerting import notice, rule

NOW_US = 1_795_000_000_000_000


@pytest.mark.parametrize(
    ("query", "says", "instead"),
    [
        ("a | timechart span=5m avg(ms) by host", "timechart has a number", "write stats avg(ms) by host"),
        ("a | stats count() by host, time(1m)", "stats by time has a number", "write stats count() by host"),
        ("a | top 3 host by zone", "top leaves out groups", "write stats count() by zone, host"),
        ("a | rare host", "rare leaves out groups", "write stats count() by host"),
        ("a | patterns", "the patterns of one window", "search for the words"),
        ("a | sample 1/10 | stats count()", "a sample has not every event", "leave out sample"),
    ],
)  # fmt: skip
def test_pipes_that_make_no_sound_condition_are_refused(query: str, says: str, instead: str) -> None:
    with pytest.raises(BadQuery, match=says) as refused:
        question_of(rule(query=query), NOW_US)
    assert instead in refused.value.hint
    assert (refused.value.position, refused.value.length) == (2, len(query) - 2)


@pytest.mark.parametrize(
    ("members", "says"),
    [
        ({"query": "a | stats count() as n, max(ms) as slow by host"}, "several numbers: n, slow"),
        ({"query": "a | stats count() as n, max(ms) as slow", "value": "fast"}, "no column of numbers: 'fast'"),
        ({"query": "a | stats count() by host", "value": "host"}, "no column of numbers"),
        ({"query": "a | stats values(user) by host"}, "no number to compare"),
        ({"query": "a | fields host"}, "no number to compare"),
        ({"query": "a | where ms > 3", "value": "ms"}, "this query counts events"),
        ({"query": "a", "value": "ms"}, "this query counts events"),
        ({"query": "a | stats count()", "condition": "no matches"}, "would never hold"),
    ],
)
def test_what_is_compared_must_be_known(members: dict[str, str], says: str) -> None:
    with pytest.raises(BadRequest, match=says):
        question_of(rule(**members), NOW_US)


def test_one_number_needs_no_name_and_several_do() -> None:
    assert question_of(rule(query="a | stats p99(ms) as slow by host"), NOW_US).column == "slow"
    query = "a | stats count() as n, sum(bad) as b by host | eval share = b / n | rename host as place"
    asked = question_of(rule(query=query, value="share"), NOW_US)
    assert (asked.column, asked.by, asked.is_table) == ("share", ("place",), True)
    assert question_of(rule(query="a | where ms > 3"), NOW_US).is_table is False
    question_of(rule(query="a | stats count() as n | where n > 5", condition="no matches"), NOW_US)


def test_conditions_may_be_of_any_number() -> None:
    for text, value in (("> 0.05", 0.06), ("<= -3", -3), ("= 2.5", 2.5)):
        condition = condition_of(text)
        assert condition is not None
        assert condition.holds(value)
    assert condition_of("> .5") is condition_of("> 1.") is condition_of("> -") is None


class TestMessages:
    FOUND = Found("slow", (HeldGroup({"host": "pay-3", "zone": None}, 812.0), HeldGroup({"host": "<b>`"}, 600.5)))

    @classmethod
    def told(cls) -> Notice:
        lines = tuple(line_of_group(each, "slow") for each in cls.FOUND.groups)
        return notice(value=812.0, condition="> 500", found=cls.FOUND, lines=lines)

    def test_webhooks_get_the_groups(self) -> None:
        body = json.loads(payload(self.told()))
        assert body["groups"] == [
            {"by": {"host": "pay-3", "zone": None}, "value": 812.0},
            {"by": {"host": "<b>`"}, "value": 600.5},
        ]
        assert body["lines"] == ["host=pay-3 zone=null slow=812", "host=<b>` slow=600.5"]
        assert body["text"] == "[critical] checkout-errors FIRING: slow = 812 (condition: > 500)"
        assert body["value"] == 812

    def test_slack_and_mail_get_them_as_lines(self) -> None:
        texts = [each["text"]["text"] for each in json.loads(slack(self.told()))["blocks"] if "text" in each]
        assert texts[0] == "*[critical] checkout-errors FIRING: slow = 812 (condition: &gt; 500)*"
        assert "```host=pay-3 zone=null slow=812\nhost=&lt;b&gt;' slow=600.5```" in texts
        mailed = mail(self.told(), "a@b.example", "c@d.example")
        assert "\n  host=pay-3 zone=null slow=812\n  host=<b>` slow=600.5\n" in mailed.get_content()
        assert mailed["Subject"] == "[critical] checkout-errors FIRING: slow = 812 (condition: > 500)"

    def test_a_rule_that_counts_events_says_what_it_always_said(self) -> None:
        body = json.loads(payload(notice()))
        assert list(body) == [
            "version", "id", "kind", "text", "tenant", "rule", "severity", "labels", "about", "query", "condition",
            "for", "value", "window", "at", "note", "error", "lines", "link",
        ]  # fmt: skip
        assert "117 matches" in body["text"]

    def test_rows_that_are_counted_have_no_column(self) -> None:
        said = headline(notice(value=0.0, condition="no matches", found=Found("")))
        assert said.endswith("0 rows (condition: no matches)")
        said = headline(notice(kind="resolved", value=None, found=Found("slow")))
        assert said == "[critical] checkout-errors resolved"


def test_a_state_without_a_table_is_kept_as_it_was() -> None:
    state, _ = after_value(State(since_us=0), 1, 5.0, is_match=True, needed=1)
    assert state.found is UNSET
