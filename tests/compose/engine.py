"""A Docker engine to build and run with: the machine's own, or a private one from Debian's packages.

The private one has no rules in the firewall, so that its containers reach each other and this machine, and nothing
else. What it has built is kept for the next time.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.support.install import apt_install, apt_prefix
from tests.support.waiting import wait_until

PACKAGES = ["docker.io", "docker-compose", "debootstrap"]
_PULL_TIMEOUT_S = 600
_STANDINS = Path(__file__).parent / "standins"
_DEBIAN = "cordwood-test/debian:bookworm"
_CA = Path("/etc/ssl/certs/ca-certificates.crt")
IMAGES = {
    "python": "python:3.13-slim-bookworm",
    "postgres": "postgres:16",
    "rabbitmq": "rabbitmq:3.13-management",
    "redis": "redis:7",
    "haproxy": "haproxy:3.0",
}
"""What the stack is made of beside Cordwood, as deploy/ names it, by the stand-in that there is for it."""
PROMETHEUS = {"prometheus": "prom/prometheus:v3.5.0"}
STORAGE = {"s3": "versity/versitygw:v1.2.0"}
GRAFANA = "grafana/grafana:12.1.0"
"""Has no stand-in: it is in no package of Debian's."""


class NoEngine(Exception):
    """Why nothing can be built or run here."""


class Engine:
    """An engine that answers. `environment` is for every command that asks it."""

    def __init__(self, environment: Mapping[str, str], *, is_private: bool) -> None:
        self.environment = {**os.environ, "DOCKER_BUILDKIT": "1", **environment}
        self.is_private = is_private
        self._can_pull = True
        # Debian's client has BuildKit in it; another one on the PATH may need a plugin for that.
        self._docker = "/usr/bin/docker" if Path("/usr/bin/docker").exists() else "docker"

    def docker(self, *arguments: str, check: bool = True, timeout_s: float = 900) -> str:
        """What a command prints. Raises CalledProcessError with what it complained of."""
        command = [self._docker, *arguments]
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=False, timeout=timeout_s
        )
        if check and done.returncode:
            raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def compose(self) -> list[str]:
        """The command of Compose, the second version before the first. Raises NoEngine."""
        has_plugin = subprocess.run([self._docker, "compose", "version"], check=False, capture_output=True)
        if has_plugin.returncode == 0:
            return [self._docker, "compose"]
        if shutil.which("docker-compose"):
            return ["docker-compose"]
        raise NoEngine("there is a Docker engine, and neither `docker compose` nor docker-compose")

    def is_standin(self, image: str) -> bool:
        """Whether it was made here."""
        return bool(self._label(image, "cordwood.standin"))

    def provide_images(self, images: Mapping[str, str]) -> list[str]:
        """See that they are there. Returns those that were made here, because they cannot be pulled."""
        made = []
        for target, image in images.items():
            if not self.has(image):
                self._make(target, image)
            if self.is_standin(image):
                made.append(image)
        return made

    def has(self, image: str) -> bool:
        """Whether it is here, or can be pulled."""
        if self._label(image):
            return True
        self._can_pull = self._can_pull and self._pulls(image)
        return self._can_pull

    def build(self, tag: str) -> None:
        """Cordwood's own image, from this working copy."""
        root = Path(__file__).parents[2]
        flags = ["--network", "host"] if self.is_private else []
        flags += ["--secret", f"id=ca,src={_CA}"] if self.is_private and _CA.exists() else []
        self.docker("build", "--quiet", *flags, "--file", str(root / "deploy/Dockerfile"), "--tag", tag, str(root))

    def _label(self, image: str, label: str = "") -> bool:
        form = f'{{{{index .Config.Labels "{label}"}}}}' if label else "{{.Id}}"
        return bool(self.docker("image", "inspect", "--format", form, image, check=False).strip())

    def _pulls(self, image: str) -> bool:
        try:
            self.docker("pull", "--quiet", image, timeout_s=_PULL_TIMEOUT_S)
        except (RuntimeError, subprocess.TimeoutExpired):
            return False
        return True

    def _make(self, target: str, image: str) -> None:
        if not self._label(_DEBIAN):
            self._import_debian()
        flags = ["--quiet", "--network", "host", "--label", "cordwood.standin=yes", "--target", target, "--tag", image]
        self.docker("build", *flags, str(_STANDINS))

    def _import_debian(self) -> None:
        if shutil.which("debootstrap") is None or os.geteuid() != 0:
            raise NoEngine("images can neither be pulled nor be made: that takes root and debootstrap")
        with tempfile.TemporaryDirectory(prefix="cordwood-debian-") as folder:
            command = ["debootstrap", "--variant=minbase", "bookworm", f"{folder}/root"]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            tar = subprocess.Popen(["tar", "-C", f"{folder}/root", "-c", "."], stdout=subprocess.PIPE)
            with tar:
                command = [self._docker, "import", "-", _DEBIAN]
                subprocess.run(command, env=self.environment, stdin=tar.stdout, check=True, stdout=subprocess.DEVNULL)


@contextmanager
def engine() -> Iterator[Engine]:
    """The machine's own engine if it answers, else a private one for as long as the block runs. Raises NoEngine."""
    own = Engine({}, is_private=False)
    if shutil.which("docker") and _answers(own):
        yield own
        return
    if os.geteuid() != 0:
        raise NoEngine("no Docker engine answers, and only root can start one")
    missing = [name for name in ("dockerd", "docker-compose", "debootstrap") if shutil.which(name) is None]
    if missing and (prefix := apt_prefix()) is not None:
        apt_install(prefix, PACKAGES)
    if shutil.which("dockerd") is None:
        raise NoEngine(f"no Docker engine answers, and {' '.join(PACKAGES)} cannot be installed")
    kept = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()) / "cordwood-test" / "docker"
    kept.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="cordwood-docker-") as folder, _private(kept, Path(folder)) as private:
        yield private


@contextmanager
def _private(kept: Path, folder: Path) -> Iterator[Engine]:
    socket = f"unix://{folder}/docker.sock"
    # Without --iptables=false it would change the rules of the machine; published ports then go through its own proxy.
    command = ["dockerd", "--data-root", str(kept), "--exec-root", f"{folder}/exec", "--pidfile", f"{folder}/pid"]
    command += ["-H", socket, "--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-forward=false"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([*command, "--ip-masq=false"], stdout=log, stderr=log, start_new_session=True)
    found = Engine({"DOCKER_HOST": socket}, is_private=True)
    try:
        try:
            wait_until(lambda: process.poll() is not None or _answers(found), 60, "the Docker engine")
        except TimeoutError as error:
            raise NoEngine(f"dockerd does not answer:\n{_end_of(folder)}") from error
        if process.poll() is not None:
            raise NoEngine(f"dockerd does not start:\n{_end_of(folder)}")
        yield found
    finally:
        process.terminate()
        process.wait(60)
        subprocess.run(["umount", "-q", f"{folder}/exec/netns/default"], check=False, capture_output=True)


def _answers(engine: Engine) -> bool:
    return bool(engine.docker("version", "--format", "{{.Server.Version}}", check=False).strip())


def _end_of(folder: Path) -> str:
    return (folder / "log").read_text(errors="replace")[-2000:]
