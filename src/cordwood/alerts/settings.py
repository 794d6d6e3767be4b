"""Settings of alerts."""

from typing import Annotated, Literal

from msgspec import Meta, Struct


class AlertSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When rules are evaluated, and how receivers are told; by `cordwood up` and `cordwood query`."""

    delay_s: Annotated[
        float, Meta(ge=0, description="seconds between the end of a window and its evaluation, for events on their way")
    ] = 10.0
    at_once: Annotated[int, Meta(ge=1, le=64, description="rules that a process evaluates at once")] = 4
    timeout_s: Annotated[float, Meta(gt=0, description="seconds that an evaluation may take")] = 15.0
    unknown_after_s: Annotated[
        float, Meta(ge=0, description="seconds of failing evaluations after which a rule is unknown, and says so")
    ] = 300.0
    catch_up_s: Annotated[
        float, Meta(ge=0, description="seconds of missed evaluations that are made up for; older ones are skipped")
    ] = 900.0
    lines: Annotated[
        int, Meta(ge=0, le=20, description="matching events, or groups of a table, that a message shows")
    ] = 5
    public_url: Annotated[str, Meta(description="where people find this Cordwood; links in messages lead there")] = ""
    hosts: Annotated[
        str,
        Meta(
            description="hosts that webhooks may go to, by name, separated by commas; * is any; none means any host at "
            "a public address"
        ),
    ] = ""
    deliver_at_once: Annotated[int, Meta(ge=1, le=64, description="messages that a process sends at once")] = 4
    deliver_timeout_s: Annotated[float, Meta(gt=0, description="seconds that a receiver may take")] = 10.0
    deliver_for_s: Annotated[
        float, Meta(ge=0, description="seconds after which a message that no receiver takes is given up")
    ] = 86_400.0
    history_days: Annotated[int, Meta(ge=1, description="days that transitions and deliveries are kept")] = 90
    backtest_days: Annotated[int, Meta(ge=0, le=366, description="days that a new rule is tried on")] = 7
    backtest_counts: Annotated[int, Meta(ge=1, description="counts that one back-test may ask the store for")] = 1000
    backtest_timeout_s: Annotated[float, Meta(gt=0, description="seconds that one back-test may take")] = 20.0
    max_rules: Annotated[
        int, Meta(ge=1, description="rules, saved queries, dashboards and silences a tenant may have, each")
    ] = 500
    smtp_host: Annotated[str, Meta(description="server that takes mail; none means that no rule can mail")] = ""
    smtp_port: Annotated[int, Meta(description="its port")] = 587
    smtp_security: Annotated[
        Literal["starttls", "tls", "none"], Meta(description="starttls and tls check its certificate; none is readable")
    ] = "starttls"
    smtp_ca: Annotated[str, Meta(description="PEM file of the authority to trust; none means the system's")] = ""
    smtp_user: Annotated[str, Meta(description="user to log in as; none means no login")] = ""
    smtp_password: Annotated[str, Meta(description="the user's password; a secret")] = ""
    mail_from: Annotated[str, Meta(description="sender of mails")] = "cordwood@localhost"
