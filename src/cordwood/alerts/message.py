"""A notice in the words of each kind of receiver. Log lines are hostile: none gets through as markup
or control code."""

from email.message import EmailMessage
from email.utils import formatdate
from typing import Any
from urllib.parse import urlencode

import msgspec
from msgspec import UNSET

from cordwood.language.quantities import number_text
from cordwood.model.alerts.found import HeldGroup, Label
from cordwood.model.alerts.notice import Notice
from cordwood.model.answer import StoredEvent
from cordwood.model.event import format_timestamp, message_of
from cordwood.neutral import neutral

MOST_CHARACTERS = 300
_SLACK_TEXT = 2900
"""A section takes 3,000."""
_US = 1_000_000

_SAYS = {
    "firing": "FIRING",
    "resolved": "resolved",
    "unknown": "UNKNOWN: cannot be evaluated",
    "known": "can be evaluated again",
    "test": "test message",
}


def line_of(event: StoredEvent) -> str:
    """An event in one bounded, harmless line: time, level, service, message."""
    try:
        message = message_of(msgspec.json.decode(event.data, type=dict[str, Any]))
    except msgspec.MsgspecError:
        message = None  # a number that no double holds
    parts = [format_timestamp(event.timestamp_us), (event.level or "-").upper(), event.service or ""]
    text = message if message is not None else event.data[: 4 * MOST_CHARACTERS].decode(errors="replace")
    return cut(neutral(" ".join([*filter(None, parts), text[: 4 * MOST_CHARACTERS]])), MOST_CHARACTERS)


def line_of_group(group: HeldGroup, column: str) -> str:
    """A group of a table in such a line: `host=pay-3 slow=812`."""
    parts = [f"{name}={_label_text(label)}" for name, label in group.by.items()]
    # The number is never what a long label leaves no room for.
    value = cut(neutral(f"{column}={number_text(group.value)}"), MOST_CHARACTERS // 2)
    labels = cut(neutral(" ".join(parts)), MOST_CHARACTERS - 1 - len(value))
    return f"{labels} {value}".lstrip()


def link_of(public_url: str, query: str, start_us: int, end_us: int) -> str | None:
    """Where the search can be looked at; None where nobody has said where the pages are."""
    if not public_url:
        return None
    asked = {"query": query, "start": format_timestamp(start_us), "end": format_timestamp(end_us)}
    return f"{public_url.rstrip('/')}/?{urlencode(asked)}"


def payload(notice: Notice) -> bytes:
    """The JSON of a webhook."""
    # Only there for rules that find groups.
    groups = {} if notice.found is UNSET else {"groups": notice.found.groups}
    return msgspec.json.encode(
        {
            "version": 1,
            "id": str(notice.id),
            "kind": notice.kind,
            "text": headline(notice),
            "tenant": notice.tenant,
            "rule": notice.rule,
            "severity": notice.severity,
            "labels": dict(notice.labels),
            "about": neutral(notice.about),
            "query": notice.query,
            "condition": notice.condition,
            "for": notice.consecutive,
            "value": notice.value,
            "window": {"start": format_timestamp(notice.start_us), "end": format_timestamp(notice.end_us)},
            "at": format_timestamp(notice.at_us),
            "note": notice.note,
            "error": notice.error,
            "lines": notice.lines,
            **groups,
            "link": notice.link,
        }
    )


def headline(notice: Notice) -> str:
    """One line."""
    value = "" if notice.value is None else f": {_value_text(notice, notice.value)} (condition: {notice.condition})"
    return neutral(f"[{notice.severity}] {notice.rule} {_SAYS[notice.kind]}{value}")


def _value_text(notice: Notice, value: float) -> str:
    if notice.found is UNSET:
        return f"{number_text(value)} matches"
    return f"{notice.found.column} = {number_text(value)}" if notice.found.column else f"{number_text(value)} rows"


def _facts(notice: Notice) -> list[str]:
    window = f"{format_timestamp(notice.start_us)} to {format_timestamp(notice.end_us)}"
    facts = [f"Query: {cut(notice.query, 1000)}", f"Window: {window}, {notice.consecutive} in a row"]
    facts += [f"{name}: {text}" for name, text in (("Note", notice.note), ("Error", notice.error)) if text]
    if notice.labels:
        facts.append("Labels: " + ", ".join(f"{name}={value}" for name, value in sorted(notice.labels.items())))
    return [neutral(fact) for fact in facts]


def slack(notice: Notice) -> bytes:
    """The JSON of an incoming webhook of Slack: mrkdwn with `&`, `<` and `>` escaped, as its formatting demands."""
    head = _escaped(headline(notice))
    sections = [f"*{head.replace('*', '∗')}*"]
    if notice.about:
        sections.append(_escaped(neutral(notice.about)))
    sections.append("\n".join(map(_escaped, _facts(notice))))
    if notice.lines:
        # A backtick would end the block.
        lines = _escaped("\n".join(notice.lines).replace("`", "'"))
        sections.append(f"```{cut(lines, _SLACK_TEXT - 10)}```")
    if notice.link:
        sections.append(f"<{_escaped(notice.link)}|Look at the events>")
    blocks: list[dict[str, object]] = [
        {"type": "section", "text": {"type": "mrkdwn", "text": cut(text, _SLACK_TEXT)}} for text in sections
    ]
    blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": f"id {notice.id}"}]})
    return msgspec.json.encode({"text": head, "blocks": blocks})


def mail(notice: Notice, sender: str, to: str) -> EmailMessage:
    """A mail in plain text. Its id is the notice's: a reader shows one that came twice once."""
    made = EmailMessage()
    made["Subject"] = cut(headline(notice), 200)
    made["From"] = sender
    made["To"] = to
    made["Date"] = formatdate(notice.at_us / _US)
    made["Message-ID"] = f"<{notice.id}@cordwood.invalid>"
    made["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's holiday answers it
    made["X-Cordwood-Notice"] = str(notice.id)
    parts = [headline(notice)]
    if notice.about:
        parts.append(neutral(notice.about))
    parts.append("\n".join(_facts(notice)))
    if notice.lines:
        parts.append("\n".join(f"  {line}" for line in notice.lines))
    if notice.link:
        parts.append(notice.link)
    made.set_content("\n\n".join(parts) + "\n", cte="quoted-printable")
    return made


def _label_text(label: Label) -> str:
    return label if isinstance(label, str) else msgspec.json.encode(label).decode()


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
