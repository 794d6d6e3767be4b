"""The commands of the page about the store, run as printed."""

import re
import subprocess
import sys
from pathlib import Path

from cordwood.store.care import FieldSize, PartitionSize, ServiceRows, Survey, TenantSize
from tests.support.pages import REFERENCE
from tests.support.processes import Cordwood


def test_the_commands_of_the_store(tmp_path: Path) -> None:
    lines = [
        line
        for block in re.findall(r"```sh\n(.*?)```", (REFERENCE / "store.md").read_text(), re.DOTALL)
        for line in block.splitlines()
    ]
    assert len(lines) == 3
    data = tmp_path / "cordwood-data"
    with Cordwood("up", data) as up:
        assert up.post("/api/v1/ingest?wait=stored", b'{"n":1}\n{"n":2}')[0] == 202
        assert up.post("/api/v1/ingest?wait=stored", b'{"n":3}')[0] == 202
        up.stop()
        said = [
            subprocess.run(
                ["sh", "-c", line.replace("cordwood ", f"{Path(sys.executable).parent}/cordwood ", 1)],
                env=up.full_environment,
                capture_output=True,
                text=True,
                check=True,
            ).stdout
            for line in lines
        ]
    assert "3 events in 2 segments" in said[0]
    assert "all well" in said[1]
    assert "merged 2 segments" in said[2]


def test_every_member_of_the_figures_is_documented() -> None:
    page = (REFERENCE / "store.md").read_text()
    for kind in (Survey, TenantSize, ServiceRows, FieldSize, PartitionSize):
        for name in kind.__struct_fields__:
            assert f"`{name}`" in page, f"{kind.__name__}.{name}"
