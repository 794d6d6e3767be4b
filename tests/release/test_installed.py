"""What a user gets who installs the wheel: the whole product, from nothing but its own requirements."""

import subprocess
from pathlib import Path

import pytest

from cordwood import __version__
from tests.docs.test_readme import commands
from tests.release.conftest import Environment, locked
from tests.support.processes import Cordwood
from tests.support.waiting import wait_until

# Half a gigabyte is installed first, on whatever network there is.
pytestmark = pytest.mark.timeout(600)

SERVICES = ("broker.rabbitmq", "cache.redis", "peers.redis", "store.postgres", "store.shared", "tail.redis")


def alone(environment: Environment, data: Path, **settings: str) -> Cordwood:
    """`cordwood up` that sees its environment, and nothing of this repository."""
    up = Cordwood("up", data, **settings)
    up.add_environment(PYTHONPATH="", PYTHONNOUSERSITE="1", PATH=f"{environment.bin}:/usr/local/bin:/usr/bin:/bin")
    return up


def run(up: Cordwood, line: str, folder: Path) -> str:
    """What a line in a user's shell prints."""
    done = subprocess.run(
        ["sh", "-c", line],
        env={**up.full_environment, "CORDWOOD_URL": up.url},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_wheel_has_all_that_it_needs_and_nothing_beside(installed: Environment, core: set[str]) -> None:
    assert installed.check() == "No broken requirements found.\n"
    assert installed.names() == core | {"cordwood"}


def test_the_wheel_alone_is_the_whole_product(installed: Environment, tmp_path: Path) -> None:
    data = tmp_path / "data"
    up = alone(installed, data)
    try:
        up.start_with([str(installed.bin / "cordwood"), "up", "--port", str(up.port)], cwd=tmp_path)
        line = commands("Quick start")[0].replace("http://127.0.0.1:8080", up.url)
        assert '"accepted":1' in run(up, line, tmp_path)
        wait_until(lambda: up.count() == 1, 60, "the event to be visible")
        assert "hello" in run(up, "cordwood search hello", tmp_path)
        assert run(up, "cordwood version", tmp_path).startswith(f"cordwood {__version__} (Python ")

        (dist,) = installed.bin.parent.glob("lib/python*/site-packages/cordwood/web/dist")
        files = [file for file in dist.rglob("*") if file.is_file()]
        assert len(files) > 10
        for file in files:
            assert up.get(f"/{file.relative_to(dist)}") == (200, file.read_bytes())
        assert up.get("/") == (200, (dist / "index.html").read_bytes())

        up.interrupt()
        assert up.process is not None
        assert up.process.returncode == 0, up.log()
        audited = run(up, "cordwood audit", tmp_path).split()
        assert audited[audited.index("default") + 1 :][:2] == ["1", "1"], "accepted, stored"
        assert "balanced" in audited
    finally:
        up.kill()


@pytest.mark.parametrize(
    ("extra", "settings"),
    [
        ("rabbitmq", {"broker_url": "amqp://localhost/"}),
        ("postgres", {"store_url": "postgresql://localhost/logs"}),
        ("redis", {"cache_url": "redis://localhost/0"}),
    ],
)
def test_a_service_without_its_driver_names_the_extra(
    installed: Environment, tmp_path: Path, extra: str, settings: dict[str, str]
) -> None:
    up = alone(installed, tmp_path / "data", **settings)
    command = [str(installed.bin / "cordwood"), "up", "--port", str(up.port)]
    done = subprocess.run(command, env=up.full_environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert f"install 'cordwood[{extra}]'" in done.stderr


def test_the_extra_for_services_brings_every_driver(installed: Environment, core: set[str], tmp_path: Path) -> None:
    drivers = tmp_path / "drivers"
    others = locked(core, tmp_path / "services.txt", others=True)
    installed.install("--require-hashes", "--no-deps", "--target", drivers, "--requirement", others)
    imports = ", ".join(f"cordwood.{part}" for part in SERVICES)
    subprocess.run(
        [installed.bin / "python", "-c", f"import obstore, hiredis, {imports}"],
        env={"PYTHONPATH": str(drivers)},
        cwd=tmp_path,
        check=True,
    )
