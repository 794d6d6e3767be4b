"""The stack of deploy/compose.yaml, under a name and with secrets of its own, on free ports."""

import json
import os
import shlex
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from tests.compose.engine import Engine
from tests.support.servers import free_port
from tests.support.waiting import wait_until

_ANSWER_TIMEOUT_S = 120
_HEALTHY_TIMEOUT_S = 180
_PROFILES = ("cluster", "object-storage", "observability")
DEPLOY = Path(__file__).parents[2] / "deploy"


class Stack:
    """Up from `start` to `remove`."""

    def __init__(
        self, engine: Engine, name: str, secrets: Path, image: str, *, of: str | None = None, hosts: str = ""
    ) -> None:
        """`of` names an --env-file in deploy/compose. `hosts` are the broker's, where they are others than usual."""
        command = ["sh", str(DEPLOY / "secrets.sh"), str(secrets)]
        subprocess.run(command, check=True, capture_output=True, env={**os.environ, "BROKER_HOSTS": hosts})
        self.url = f"http://127.0.0.1:{(port := free_port())}"
        self.prometheus = f"http://127.0.0.1:{(prometheus_port := free_port())}"
        self.grafana = f"http://127.0.0.1:{(grafana_port := free_port())}"
        self.key = (secrets / "api_keys").read_text().strip()
        self.grafana_password = (secrets / "grafana_password").read_text().strip()
        self._engine, self._folder = engine, secrets.parent
        self._command = [*engine.compose(), "--project-name", name]
        self._command += [] if of is None else ["--env-file", str(DEPLOY / "compose" / of)]
        self._command += ["--file", str(DEPLOY / "compose.yaml")]
        self._environment = {
            **engine.environment,
            "CORDWOOD_IMAGE": image,
            "SECRETS": str(secrets),
            "LISTEN": f"127.0.0.1:{port}",
            "RABBITMQ_UI": f"127.0.0.1:{free_port()}",
            "PROMETHEUS_UI": f"127.0.0.1:{prometheus_port}",
            "GRAFANA_UI": f"127.0.0.1:{grafana_port}",
        }

    def compose(self, *arguments: str, check: bool = True) -> str:
        """What a command of Compose prints. Raises RuntimeError with what it complained of."""
        done = subprocess.run(
            [*self._command, *arguments],
            env=self._environment, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=300,
        )  # fmt: skip
        if check and done.returncode:
            raise RuntimeError(
                f"compose {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
            )
        return done.stdout

    def as_printed(self, commands: str) -> str:
        """What shell lines of the guide print, run on this stack. Raises RuntimeError with what they complained of."""
        lines = commands.replace("docker compose --file deploy/compose.yaml", shlex.join(self._command))
        done = subprocess.run(
            ["sh", "-ec", lines],
            env=self._environment, cwd=self._folder, capture_output=True, text=True, check=False,
            stdin=subprocess.DEVNULL, timeout=300,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"{lines} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def start(self) -> None:
        """Returns when what is sent is taken and what is asked is answered."""
        self.compose("up", "--detach", "--no-build")
        wait_until(self.is_ready, _HEALTHY_TIMEOUT_S, "the stack to answer")

    def observe(self, *services: str) -> None:
        """Some of the profile observability, beside what runs."""
        self.compose("--profile", "observability", "up", "--detach", "--no-build", *services)

    def story(self) -> str:
        """What runs, and what it said last."""
        ran, said = self.compose("ps", check=False), self.compose("logs", "--no-color", "--tail", "40", check=False)
        return f"{ran}\n{said}"

    def remove(self) -> None:
        """With its volumes, and with what only a profile has."""
        profiles = [flag for name in _PROFILES for flag in ("--profile", name)]
        self.compose(*profiles, "down", "--volumes", "--timeout", "20", check=False)

    def containers(self, *services: str) -> list[str]:
        """The ids of their containers, one for each replica."""
        return self.compose("ps", "--quiet", *services).split()

    def inspect(self, container: str) -> Any:
        return json.loads(self._engine.docker("inspect", container))[0]

    def is_healthy(self, container: str) -> bool:
        return bool(self.inspect(container)["State"].get("Health", {}).get("Status") == "healthy")

    def kill(self, container: str) -> None:
        """As a power cut does, and on again. Returns when it is healthy."""
        with self.without(container):
            pass

    @contextmanager
    def without(self, *containers: str) -> Iterator[None]:
        """They are killed as by a power cut, stay away while the block runs, and are healthy again behind it."""
        self._engine.docker("kill", "--signal", "KILL", *containers)
        yield
        self._engine.docker("start", *containers)
        for each in containers:
            wait_until(partial(self.is_healthy, each), _HEALTHY_TIMEOUT_S, f"{each} to be healthy")

    def restart(self, container: str) -> None:
        """As an operator does. Returns when it is healthy."""
        self._engine.docker("restart", "--time", "30", container)
        wait_until(lambda: self.is_healthy(container), _HEALTHY_TIMEOUT_S, f"{container} to be healthy")

    def is_ready(self) -> bool:
        try:
            return self.ask("/ready")[0] == 200 and self.ask("/api/v1/query")[0] == 200
        except OSError:
            return False

    def ask(self, path: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
        """Status and body; a key goes with it."""
        given = {
            "authorization": f"Bearer {self.key}",
            **{name.replace("_", "-"): text for name, text in headers.items()},
        }
        return self.ask_without_key(path, body, given)

    def ask_without_key(
        self, path: str, body: bytes | None = None, headers: Mapping[str, str] = {}
    ) -> tuple[int, bytes]:
        request = urllib.request.Request(self.url + path, body, dict(headers))
        try:
            with urllib.request.urlopen(request, timeout=_ANSWER_TIMEOUT_S) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def sql(self, statement: str) -> str:
        """What psql prints: lines of values between bars."""
        psql = ("psql", "--username", "cordwood", "--no-align", "--tuples-only", "--command", statement)
        return self.compose("exec", "-T", "postgres", *psql).strip()

    def execute(self, service: str, *command: str) -> tuple[int, str]:
        """Exit status and output of a command in a service's first container."""
        done = subprocess.run(
            [*self._command, "exec", "-T", service, *command],
            env=self._environment, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=300,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr
