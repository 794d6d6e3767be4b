"""Mail, handed to a server by SMTP."""

import contextlib
import smtplib
import socket
import ssl

from cordwood.alerts.interface import Letter
from cordwood.alerts.message import mail
from cordwood.alerts.receivers.interface import NotTaken, OnOpen
from cordwood.alerts.settings import AlertSettings
from cordwood.model.alerts.rule import Email


class MailSender:
    """Sends mails."""

    def __init__(self, settings: AlertSettings) -> None:
        self._settings = settings

    def __call__(self, letter: Letter, now_us: int, on_open: OnOpen) -> None:
        settings = self._settings
        if not isinstance(letter.receiver, Email):
            raise NotTaken("this receiver has no mail address")
        if not settings.smtp_host:
            raise NotTaken("no mail can be sent: CORDWOOD_ALERTS_SMTP_HOST is not set")
        (to,) = letter.receiver.to
        message = mail(letter.notice, settings.mail_from, to)
        try:
            with self._connected(on_open) as server:
                if settings.smtp_security == "starttls":
                    server.starttls(context=self._trust())
                if settings.smtp_user:
                    server.login(settings.smtp_user, settings.smtp_password)
                server.send_message(message, settings.mail_from, [to])
        except smtplib.SMTPRecipientsRefused as error:
            _, (code, said) = next(iter(error.recipients.items()))
            raise NotTaken(f"the mail server refused the address: {code} {_text(said)}") from error
        except smtplib.SMTPResponseException as error:
            raise NotTaken(f"the mail server answered {error.smtp_code} {_text(error.smtp_error)}") from error
        except (smtplib.SMTPException, OSError, ValueError) as error:
            raise NotTaken(f"the mail server at {settings.smtp_host}: {error or type(error).__name__}") from error

    def _connected(self, on_open: OnOpen) -> smtplib.SMTP:
        settings = self._settings
        address = settings.smtp_host, settings.smtp_port
        server = (
            smtplib.SMTP_SSL(*address, timeout=settings.deliver_timeout_s, context=self._trust())
            if settings.smtp_security == "tls"
            else smtplib.SMTP(*address, timeout=settings.deliver_timeout_s)
        )
        on_open(lambda: _cut(server))
        return server

    def _trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self._settings.smtp_ca or None)


def _cut(server: smtplib.SMTP) -> None:
    with contextlib.suppress(OSError, AttributeError):
        if server.sock is not None:
            server.sock.shutdown(socket.SHUT_RDWR)


def _text(said: bytes | str) -> str:
    return (said.decode(errors="replace") if isinstance(said, bytes) else said)[:200]
