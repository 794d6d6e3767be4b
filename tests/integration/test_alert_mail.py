"""Alerts by mail, handed to a real SMTP server: with TLS, a login, and hostile texts."""

import email
import ssl
from collections.abc import Iterator
from email import policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from msgspec.structs import replace

from cordwood.alerts.delivering import Postman
from cordwood.alerts.interface import Letter
from cordwood.alerts.receivers.interface import NotTaken
from cordwood.alerts.settings import AlertSettings
from cordwood.model.alerts.notice import Notice
from cordwood.model.alerts.rule import Email
from tests.support.alerting import notice
from tests.support.certificates import Authority
from tests.support.servers import free_port

TO = Email(("oncall@example.org",))


class Mailbox:
    """Takes mail for everybody but `nobody@`."""

    def __init__(self) -> None:
        self.got: list[tuple[list[str], EmailMessage]] = []

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address.startswith("nobody@"):
            return "550 there is nobody"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        message: Any = email.message_from_bytes(envelope.content, policy=policy.default)
        self.got.append((envelope.rcpt_tos, message))
        return "250 taken"


def accepts(server: SMTP, session: Session, envelope: Envelope, _mechanism: str, data: Any) -> AuthResult:
    is_known = isinstance(data, LoginPassword) and data == LoginPassword(b"me", b"secret")
    return AuthResult(success=is_known, handled=False)


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def secure(mailbox: Mailbox, authority: Authority) -> Iterator[AlertSettings]:
    """A server that demands STARTTLS and a login."""
    issued = authority.issue()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(issued.cert, issued.key)
    port = free_port()
    controller = Controller(
        mailbox,
        hostname="127.0.0.1",
        port=port,
        tls_context=context,
        require_starttls=True,
        authenticator=accepts,
        auth_required=True,
    )
    controller.start()
    yield AlertSettings(
        smtp_host="127.0.0.1",
        smtp_port=port,
        smtp_ca=str(authority.cert),
        smtp_user="me",
        smtp_password="secret",
        mail_from="cordwood@example.org",
    )
    controller.stop()


async def sent(settings: AlertSettings, made: Notice, receiver: Email = TO) -> None:
    with Postman(settings) as postman:
        await postman.send(Letter(made, receiver), 0)


async def test_a_mail_says_what_matched(secure: AlertSettings, mailbox: Mailbox) -> None:
    made = notice()
    await sent(secure, made)
    ((to, message),) = mailbox.got
    assert to == ["oncall@example.org"]
    assert message["subject"] == "[critical] checkout-errors FIRING: 117 matches (condition: > 100)"
    assert message["from"] == "cordwood@example.org"
    assert str(made.id) in message["message-id"]
    text = message.get_content()
    for part in ("card declined: ü € 🙂", "https://logs.example.org/", "Look at the card gateway.", "team=shop"):
        assert part in text


async def test_hostile_texts_make_no_headers(secure: AlertSettings, mailbox: Mailbox) -> None:
    hostile = "x\r\nBcc: everybody@example.org\r\n\r\nhello\x1b[2J"
    await sent(secure, notice(rule=hostile, condition=hostile, about=hostile, labels={hostile: hostile}))
    ((to, message),) = mailbox.got
    assert to == ["oncall@example.org"]
    assert message["bcc"] is None
    assert "\\r\\nBcc" in message["subject"]
    assert "\x1b" not in message.get_content()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"smtp_password": "other"}, "535"),
        ({"smtp_ca": ""}, "certificate"),
        ({"smtp_user": ""}, "530"),
        ({"smtp_port": 9}, "127.0.0.1"),
        ({"smtp_host": ""}, "SMTP_HOST"),
    ],
)
async def test_why_a_mail_was_not_taken_is_said(
    secure: AlertSettings, mailbox: Mailbox, wrong: dict[str, Any], says: str
) -> None:
    with pytest.raises(NotTaken, match=says) as refused:
        await sent(replace(secure, **wrong), notice())
    assert "secret" not in str(refused.value)
    assert mailbox.got == []


async def test_an_address_that_does_not_exist_is_said(secure: AlertSettings) -> None:
    with pytest.raises(NotTaken, match="550 there is nobody"):
        await sent(secure, notice(), Email(("nobody@example.org",)))
