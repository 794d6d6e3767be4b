"""What is promised of the stack beside that it loses nothing."""

import json
import re
from functools import partial

from tests.compose.stack import DEPLOY, Stack
from tests.support.waiting import wait_until

_GUIDE = DEPLOY.parent / "docs" / "guide" / "compose.md"
_OURS = ("api", "worker", "query")
_INSIDE = """
[ $(id -u) = 10001 ]
if touch /opt/cordwood/new; then exit 1; fi
touch /var/lib/cordwood/new /tmp/new
if command -v gcc cc pip; then exit 1; fi
if python -c 'import pip'; then exit 1; fi
cordwood ready "$1"
cordwood ready --alive
"""
"""What holds in a container of the service that is its argument."""
_COMPILED = "find /opt/cordwood/app /tmp/cache -name '*.nbc' -printf '%f\\n' | sort -u"


def check_one_port(stack: Stack) -> None:
    """What README's curls do, through the proxy: send, ask, open the page; and what strangers may not."""
    status, said = stack.ask("/log?wait=stored", b'{"level":"info","message":"testing the platform"}')
    assert status == 202, said
    assert b"testing the platform" in stack.ask("/api/v1/query")[1]
    assert b"<!doctype html>" in stack.ask("/")[1].lower()
    assert json.loads(stack.ask("/api/v1/limits")[1])
    assert stack.ask_without_key("/log", b"{}")[0] == 401
    assert stack.ask_without_key("/api/v1/query")[0] == 401
    assert stack.ask("/metrics")[0] == 404
    assert "testing the platform" in stack.sql("SELECT data FROM logs")


def check_containers(stack: Stack) -> None:
    """Two of what should be two, nothing writable, nobody root, no secret in sight, nothing to build with."""
    assert [len(stack.containers(service)) for service in _OURS] == [2, 2, 1]
    for service in (*_OURS, "proxy", "postgres", "rabbitmq", "redis"):
        for container in stack.containers(service):
            wait_until(partial(stack.is_healthy, container), 120, f"{service} to be healthy")
        check_bounds(stack, service)
    for service in _OURS:
        status, said = stack.execute(service, "sh", "-euxc", _INSIDE, "sh", service)
        assert status == 0, f"{service}: {said}"
    check_nothing_is_compiled(stack)


def check_backup(stack: Stack) -> None:
    """Rows are taken away behind Cordwood's back; the commands of the guide bring them back."""
    section = _GUIDE.read_text().split("\n## Looking after it\n")[1].split("\n## ")[0]
    _, backup, back = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    stack.as_printed(backup)
    stack.sql("DELETE FROM logs")
    stack.as_printed(back)
    wait_until(stack.is_ready, 180, "the stack to answer")


def check_bounds(stack: Stack, *services: str, may_be_root: bool = False) -> None:
    """Nothing of its own writable, no capabilities, not all of the memory, and no key in its environment."""
    for service in services:
        for container in stack.containers(service):
            found = stack.inspect(container)
            assert found["HostConfig"]["ReadonlyRootfs"], service
            assert found["HostConfig"]["CapDrop"] == ["ALL"], service
            assert found["HostConfig"]["Memory"] > 0, service
            assert may_be_root or found["Config"]["User"] not in ("", "root", "0"), service
            assert stack.key not in json.dumps(found["Config"]), service


def check_nothing_is_compiled(stack: Stack) -> None:
    """A batch that is large enough for the compiled loops; they come with the image."""
    line = b'{"level":"warn","service":"large","message":"took 12 ms","user":{"id":%d}}\n'
    before = {service: stack.execute(service, "sh", "-c", _COMPILED)[1].split() for service in _OURS}
    status, said = stack.ask("/log?wait=stored", b"".join(line % number for number in range(20_000)))
    assert status == 202, said
    assert stack.ask("/api/v1/query?query=service:large%20%7C%20patterns")[0] == 200
    for service in _OURS:
        names = {name for name in stack.execute(service, "sh", "-c", _COMPILED)[1].split() if name.endswith(".nbc")}
        new = sorted(names.difference(before[service]))
        assert not new, f"{service} compiled {new}: call them in deploy/warm.py"
