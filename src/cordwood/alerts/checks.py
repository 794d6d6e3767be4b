"""What people make, checked: everything that can be known to be wrong is told before it is kept."""

import ipaddress
import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from msgspec import Struct

from cordwood.alerts.questions import question_of
from cordwood.alerts.settings import AlertSettings
from cordwood.errors import BadRequest
from cordwood.language.parser import parse
from cordwood.language.quantities import parse_duration
from cordwood.model.alerts.rule import (
    MASK,
    NAME_PATTERN,
    Condition,
    Email,
    Receiver,
    Rule,
    SavedQuery,
    Slack,
    Webhook,
    condition_of,
)
from cordwood.neutral import neutral

_NAME = re.compile(NAME_PATTERN.removesuffix("$"))
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")
_LEAST_US, _MOST_US = 1_000_000, 31 * 86_400_000_000


class Watch(Struct, frozen=True):
    """A rule's texts as quantities."""

    window_us: int
    interval_us: int
    condition: Condition


def checked_name(name: str) -> str:
    """Raises BadRequest."""
    if not _NAME.fullmatch(name):
        raise BadRequest(
            f"the name {name[:120]!r} is not usable",
            hint="use 1 to 100 letters, digits, blanks and . _ -, starting with a letter or digit",
        )
    return name


def watch_of(rule: Rule) -> Watch:
    """Raises BadRequest."""
    condition = condition_of(rule.condition)
    if condition is None:
        raise BadRequest(
            f"'condition' is not understood: {rule.condition!r}", hint='for instance "> 100", "<= 0.5" or "no matches"'
        )
    return Watch(_span("window", rule.window), _span("interval", rule.interval), condition)


def checked_rule(rule: Rule, now_us: int, settings: AlertSettings) -> Watch:
    """Raises BadRequest, naming the member, and BadQuery."""
    watch = watch_of(rule)
    question_of(rule, now_us)
    check_texts("labels", [*rule.labels.keys(), *rule.labels.values()])
    for receiver in rule.receivers:
        _check_receiver(receiver, settings)
    return watch


def check_saved(query: SavedQuery, now_us: int) -> None:
    """Raises BadQuery. Its pipes are taken, for what can ask them."""
    parse(query.query, now_us)


def check_texts(name: str, texts: Iterable[str]) -> None:
    """Raises BadRequest for what could not be shown in a line."""
    if odd := next((text for text in texts if neutral(text) != text), None):
        raise BadRequest(f"{name!r} holds control characters: {neutral(odd)[:80]!r}", hint="leave them out")


def allowed_hosts(settings: AlertSettings) -> frozenset[str]:
    """Those that webhooks may go to, at whatever address; empty: any at a public one."""
    return frozenset(host.strip().lower() for host in settings.hosts.split(",") if host.strip())


def _span(name: str, text: str) -> int:
    span_ns = parse_duration(text)
    if span_ns is None or span_ns % 1000 or not _LEAST_US <= span_ns // 1000 <= _MOST_US:
        raise BadRequest(f"{name!r} is no span from 1s to 31d: {text!r}", hint="for instance 30s, 5m or 1h30m")
    return span_ns // 1000


def _check_receiver(receiver: Receiver, settings: AlertSettings) -> None:
    match receiver:
        case Webhook(url=url, secret=secret):
            _check_url(url, settings)
            if secret == MASK:
                raise _masked()
        case Slack(url=url):
            _check_url(url, settings)
        case Email(to=addresses):
            if not settings.smtp_host:
                raise BadRequest("no mail can be sent from here", hint="set CORDWOOD_ALERTS_SMTP_HOST")
            for address in addresses:
                if not _ADDRESS.fullmatch(address):
                    raise BadRequest(f"{address!r} is no mail address", hint="for instance oncall@example.org")


def _check_url(url: str, settings: AlertSettings) -> None:
    if MASK in url:
        raise _masked()
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host = ""
    if not host or parts.scheme not in ("http", "https") or not url.isascii() or re.search(r"[\x00-\x20\x7f]", url):
        raise BadRequest("'url' is no http or https address", hint="for instance https://hooks.example.org/alerts")
    hosts = allowed_hosts(settings)
    if hosts and not hosts & {host, "*"}:
        raise BadRequest(f"webhooks may not go to {host!r}", hint="CORDWOOD_ALERTS_HOSTS says where they may")
    if not hosts and not may_be_public(host):
        raise BadRequest(f"{host!r} is no public host", hint="name it in CORDWOOD_ALERTS_HOSTS, if it is meant")


def may_be_public(host: str) -> bool:
    """False for what is no public address for sure; a name's addresses are looked at when it is used."""
    if host == "localhost" or host.endswith(".localhost"):
        return False
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return True
    return is_public(address)


def is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether an address is one of the public network, also when it holds one of the older kind."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if inner is None and address in ipaddress.ip_network("64:ff9b::/96"):
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
    return address.is_global and not address.is_multicast


def _masked() -> BadRequest:
    return BadRequest(
        "a receiver is masked, and none of the rule as it is looks like it", hint="write its address and secret in full"
    )
