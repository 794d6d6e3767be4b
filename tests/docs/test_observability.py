"""The commands of the guide about watching Cordwood itself, run as printed."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.support.collector import Collector
from tests.support.pages import REFERENCE
from tests.support.processes import Cordwood
from tests.support.waiting import wait_until


def test_the_commands_of_the_guide(tmp_path: Path) -> None:
    guide = (REFERENCE.parent / "guide/observability.md").read_text()
    lines = [line for block in re.findall(r"```sh\n(.*?)```", guide, re.DOTALL) for line in block.splitlines()]
    starts = [line for line in lines if line.endswith("cordwood up")]
    given = dict(setting.split("=", 1) for line in starts for setting in line.split()[:-2])
    assert set(given) == {"CORDWOOD_TRACING_ENDPOINT", "CORDWOOD_LOG_TO"}
    with Collector() as collector:
        up = Cordwood("up", tmp_path / "data")
        up.add_environment(**given | {"CORDWOOD_TRACING_ENDPOINT": collector.url, "CORDWOOD_TRACING_SAMPLE_RATE": "1"})
        with up:
            assert up.post("/log?wait=stored", b'{"message":"hello"}')[0] == 202
            wait_until(lambda: "commit" in collector.names(), 10, "a trace")
            wait_until(lambda: up.json("/api/v1/query/count?query=service:cordwood")["count"], 10, "a line of its own")
            metrics, search = (line for line in lines if line not in starts)
            assert 'kind="gap"' in ran(up, metrics)
            assert ran(up, search.replace(" level:>=warn", "")).count("own_logs_begin") == 1
            assert ran(up, search) == ""


def ran(up: Cordwood, line: str) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**up.full_environment, "PATH": path, "CORDWOOD_URL": up.url}
    line = line.replace("http://127.0.0.1:8080", up.url).replace("cordwood search", "python -m cordwood search")
    return subprocess.run(["sh", "-c", line], env=environment, capture_output=True, text=True, check=True).stdout
