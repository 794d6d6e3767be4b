"""The endpoints of saved queries and alerts, described."""

from typing import Annotated
from uuid import UUID

from msgspec import Meta

from cordwood.errors import CordwoodError, NotFound, Overloaded, UnsupportedMedia
from cordwood.http.openapi import JSON, Answer, Operation, Parameter, Schema
from cordwood.model.alerts.rule import NAME_PATTERN, Rule, SavedQuery
from cordwood.query.alerts.backtest import Backtest
from cordwood.query.alerts.shapes import (
    Days,
    Deleted,
    History,
    NamedQuery,
    NewSilence,
    RuleAnswer,
    RuleList,
    RulePut,
    SavedQueryList,
    SilenceAnswer,
    SilenceList,
    TestAnswer,
    Trial,
)

_SAVED, _ALERTS = "/api/v1/saved-queries", "/api/v1/alerts"
_NAME = Parameter(
    name="name",
    about="its name",
    schema=Annotated[str, Meta(pattern=NAME_PATTERN, examples=["checkout-errors"])],
    where="path",
)
_BODY: tuple[type[CordwoodError], ...] = (UnsupportedMedia,)


def _answers(about: str, schema: Schema) -> dict[int, Answer]:
    return {200: Answer(about=about, content={JSON: schema})}


ALERTS = (
    Operation(
        path=_SAVED,
        name="saved_queries",
        about="queries that were given names",
        scope="query",
        answers=_answers("all of them", SavedQueryList),
    ),
    Operation(
        path=f"{_SAVED}/{{name}}",
        name="saved_query",
        about="one saved query",
        scope="query",
        parameters=(_NAME,),
        answers=_answers("the query", NamedQuery),
        errors=(NotFound,),
    ),
    Operation(
        method="PUT",
        path=f"{_SAVED}/{{name}}",
        name="save_query",
        about="save a query under a name, or change what is saved there",
        scope="admin",
        parameters=(_NAME,),
        body={JSON: SavedQuery},
        answers=_answers("as it is saved", NamedQuery),
        errors=_BODY,
    ),
    Operation(
        method="DELETE",
        path=f"{_SAVED}/{{name}}",
        name="delete_saved_query",
        about="forget a saved query",
        scope="admin",
        parameters=(_NAME,),
        answers=_answers("its name", Deleted),
        errors=(NotFound,),
    ),
    Operation(
        path=f"{_ALERTS}/rules",
        name="alert_rules",
        about="alert rules and their state",
        scope="query",
        answers=_answers("all of them", RuleList),
    ),
    Operation(
        path=f"{_ALERTS}/rules/{{name}}",
        name="alert_rule",
        about="one alert rule and its state",
        scope="query",
        parameters=(_NAME,),
        answers=_answers("the rule", RuleAnswer),
        errors=(NotFound,),
    ),
    Operation(
        method="PUT",
        path=f"{_ALERTS}/rules/{{name}}",
        name="put_alert_rule",
        about="make an alert rule, or change one; a new question is tried on the past, too",
        scope="admin",
        parameters=(_NAME, Parameter(name="backtest_days", about="days to try it on; 0: none", schema=Days)),
        body={JSON: Rule},
        answers=_answers("the rule, and when it would have fired", RulePut),
        errors=_BODY,
    ),
    Operation(
        method="DELETE",
        path=f"{_ALERTS}/rules/{{name}}",
        name="delete_alert_rule",
        about="forget an alert rule; its history stays",
        scope="admin",
        parameters=(_NAME,),
        answers=_answers("its name", Deleted),
        errors=(NotFound,),
    ),
    Operation(
        method="POST",
        path=f"{_ALERTS}/rules/{{name}}/test",
        name="test_alert_rule",
        about="send a test message to the receivers of a rule, now",
        scope="admin",
        parameters=(_NAME,),
        answers=_answers("what they made of it", TestAnswer),
        errors=(NotFound,),
    ),
    Operation(
        method="POST",
        path=f"{_ALERTS}/backtest",
        name="backtest",
        about="when a rule would have fired, without making it",
        scope="query",
        body={JSON: Trial},
        answers=_answers("when, and how far back was looked", Backtest),
        errors=(*_BODY, Overloaded),
    ),
    Operation(
        path=f"{_ALERTS}/silences",
        name="silences",
        about="silences that have not ended",
        scope="query",
        answers=_answers("all of them", SilenceList),
    ),
    Operation(
        method="POST",
        path=f"{_ALERTS}/silences",
        name="silence",
        about="keep rules from telling anybody for a time",
        scope="admin",
        body={JSON: NewSilence},
        answers=_answers("the silence", SilenceAnswer),
        errors=_BODY,
    ),
    Operation(
        method="DELETE",
        path=f"{_ALERTS}/silences/{{id}}",
        name="end_silence",
        about="end a silence at once",
        scope="admin",
        parameters=(Parameter(name="id", about="its id", schema=UUID, where="path"),),
        answers=_answers("its id", Deleted),
        errors=(NotFound,),
    ),
    Operation(
        path=f"{_ALERTS}/history",
        name="alert_history",
        about="what rules did, and what became of the messages about it, the latest first",
        scope="query",
        parameters=(
            Parameter(name="rule", about="of this rule only"),
            Parameter(name="cursor", about="`next` of the page before", schema=UUID),
            Parameter(name="limit", about="how many at most", schema=Annotated[int, Meta(ge=1, le=1000)]),
        ),
        answers=_answers("the history", History),
    ),
)
