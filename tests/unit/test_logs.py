"""The platform's own log lines: whatever they repeat, one is one line, steers no terminal and shows no variables."""

import json
import subprocess
import sys

import pytest

HOSTILE = "".join(map(chr, [*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x202E, 0x2066, 0x200B, 0xE0041])) + "] forged"
PROGRAM = f"""
import logging, structlog
from cordwood.logs import LogSettings, configure_logs
configure_logs(LogSettings(format=FORMAT))
hostile = {HOSTILE!r}
log = structlog.get_logger()
log.warning("event", path=hostile, **{{hostile: 1}})
log.warning(hostile, numbers=[hostile])
logging.getLogger("library").warning("said %s", hostile)
def fail(hidden):
    raise ValueError(hostile)
try:
    fail("a secret")
except ValueError:
    log.exception("failed")
    logging.getLogger("library").exception("failed")
"""


def logged(form: str) -> str:
    program = PROGRAM.replace("FORMAT", repr(form))
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    return ran.stderr.decode()


@pytest.mark.parametrize("form", ["json", "text"])
def test_no_line_holds_what_steers_or_hides(form: str) -> None:
    said = logged(form)
    assert "forged" in said
    assert not set(HOSTILE.removesuffix("] forged")) - {"\n"} & set(said)


def test_json_is_one_line_an_event() -> None:
    lines = logged("json").splitlines()
    assert len(lines) == 5
    assert json.loads(lines[0])["path"] == HOSTILE
    assert "a secret" not in json.loads(lines[3])["exception"].replace('fail("a secret")', "")


def test_text_keeps_a_traceback_apart_from_other_lines() -> None:
    lines = logged("text").splitlines()
    own = [line for line in lines if not line.startswith("  | ")]
    assert len(own) == 5
    assert not any("hidden = " in line for line in lines)
