"""Access log lines of Apache and nginx: the common and the combined log format.

Format: https://httpd.apache.org/docs/2.4/logs.html#accesslog, with or without a virtual host in front
(`vhost_combined`) and with whatever a server appends after the user agent.
"""

import re

_MONTHS = {
    name: f"{number:02}"
    for number, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), 1
    )
}

_QUOTED = r'"([^"\\]*(?:\\.[^"\\]*)*)"'
# A user may hold spaces, so what tells a virtual host from a remote address is that the identity never looks
# like an address.
_LINE = re.compile(
    r"(?:(\S+) )??([^\s-]\S*) (-|[^\s.:]+) (\S+(?: \S+){0,3}?) "
    r"\[(\d\d)/([A-Z][a-z]{2})/(\d{4}):(\d\d:\d\d:\d\d) ([+-]\d\d)(\d\d)\] "
    rf"{_QUOTED} (\d{{3}}) (\d{{1,18}}|-)(?: {_QUOTED} {_QUOTED})?(?: .*)?",
    re.ASCII | re.DOTALL,
)


def parse(line: str) -> dict[str, object] | None:
    """The fields of a line and, as `message`, the line itself; None when it is no access log line.

    What the server wrote as `-` is left out, but `bytes` is null then. Escapes (`\\"`, `\\x16`) stay as written.
    """
    match = _LINE.fullmatch(line)
    if match is None or match[6] not in _MONTHS:
        return None
    vhost, remote, ident, user, day, month, year, time, zone_h, zone_m, request, status, size, referer, agent = (
        match.groups()
    )
    event: dict[str, object] = {
        "timestamp": f"{year}-{_MONTHS[month]}-{day}T{time}{zone_h}:{zone_m}",
        "message": line,
        "remote_addr": remote,
    }
    event |= _known(vhost=vhost, ident=ident, user=user)
    event |= _request(request)
    event["status"] = int(status)
    event["bytes"] = None if size == "-" else int(size)
    event |= _known(referer=referer, user_agent=agent)
    return event


def _known(**fields: str | None) -> dict[str, str]:
    return {name: value for name, value in fields.items() if value is not None and value != "-"}


def _request(request: str) -> dict[str, str]:
    """Method, path and protocol. What is no HTTP (port scans, TLS on a plain port) stays in one piece."""
    method, _, rest = request.partition(" ")
    if not rest or not method.isalpha():
        return {} if request == "-" else {"request": request}
    path, _, protocol = rest.rpartition(" ")
    if protocol.startswith("HTTP/"):
        return {"method": method, "path": path, "protocol": protocol}
    return {"method": method, "path": rest}
