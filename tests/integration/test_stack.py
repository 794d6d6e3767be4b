"""`make stack` runs every service until Ctrl-C, and leaves nothing behind."""

import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.support import stack
from tests.support.servers import free_port

_RUN = """
import sys
from tests.support import stack
stack.SERVICES = tuple(zip(("api", "query", "worker", "api", "worker"), map(int, sys.argv[1:])))
sys.exit(stack.main())
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_takes_stores_answers_and_ends(tmp_path: Path, number: signal.Signals, service_urls: dict[str, str]) -> None:
    ports = [free_port() for _ in stack.SERVICES]
    given = {f"CORDWOOD_{name.upper()}": value for name, value in service_urls.items()}
    environment = {**os.environ, **given, "TMPDIR": str(tmp_path)}
    running = subprocess.Popen(
        [sys.executable, "-c", _RUN, *map(str, ports)], env=environment, stdout=subprocess.PIPE, text=True
    )
    with running:
        assert running.stdout is not None, "asked for above"
        told = next(line for line in running.stdout if "Ctrl-C" in line)
        assert told
        for api in (ports[0], ports[3]):
            with urllib.request.urlopen(f"http://127.0.0.1:{api}/log?wait=stored", b"{}", timeout=30) as answer:
                assert answer.status == 202
        with urllib.request.urlopen(f"http://127.0.0.1:{ports[1]}/api/v1/query/count", timeout=30) as answer:
            assert b'"count":2' in answer.read().replace(b" ", b"")
        running.send_signal(number)
        assert running.wait(60) == 0
    assert list(tmp_path.iterdir()) == [], "its directory is gone"
