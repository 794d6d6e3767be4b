"""`python -m tests.support.install`: see that the servers the tests need are at hand, or install them where allowed.

In this order: a URL that points at a running server, a program on the machine, apt, Docker. Exits with 1 and says
what to do when none of them works.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.support.browser import chromium
from tests.support.ceph import Ceph
from tests.support.docker import is_usable
from tests.support.servers import Postgres, RabbitMQ, Redis, Server

PACKAGES: dict[type[Server], str] = {
    Postgres: "postgresql",
    RabbitMQ: "rabbitmq-server",
    Redis: "redis-server",
    Ceph: "radosgw ceph-mon ceph-osd",
}
URLS: dict[type[Server], str] = {
    Postgres: "CORDWOOD_TEST_POSTGRES_URL",
    RabbitMQ: "CORDWOOD_TEST_AMQP_URL",
    Redis: "CORDWOOD_TEST_REDIS_URL",
    Ceph: "CORDWOOD_TEST_S3_URL",
}
BROWSER = ["chromium", "fonts-dejavu-core"]
PROMTOOL = ["prometheus"]
"""The package that has `promtool`, which checks rules and queries."""
TOOLS = ["rsync"]
"""What the guide's commands are."""
_POLICY = Path("/usr/sbin/policy-rc.d")


def main() -> int:
    missing = _missing()
    packages = [package for kind in missing for package in PACKAGES[kind].split()]
    if chromium() is None:
        packages += BROWSER
    if shutil.which("promtool") is None:
        packages += PROMTOOL
    packages += [tool for tool in TOOLS if shutil.which(tool) is None]
    if packages and (prefix := apt_prefix()) is not None:
        print(f"Installing {', '.join(packages)} with apt …", flush=True)
        apt_install(prefix, packages)
        missing = _missing()
    if chromium() is None:
        print("The tests need Chromium, and found none: install it as chromium or google-chrome", file=sys.stderr)
        return 1
    if shutil.which("promtool") is None:
        print(
            "The tests need promtool, which comes with Prometheus, and found none: put it on the PATH", file=sys.stderr
        )
        return 1
    if not missing:
        return 0
    names = ", ".join(kind.name for kind in missing)
    if is_usable():
        print(f"Using Docker for {names}", flush=True)
        return 0
    print(f"The tests need {names}, and found none.\nDo one of these:", file=sys.stderr)
    print(f"  · install {' '.join(PACKAGES[kind] for kind in missing)}", file=sys.stderr)
    print("  · start Docker", file=sys.stderr)
    print(f"  · set {', '.join(URLS[kind] for kind in missing)} to running servers", file=sys.stderr)
    return 1


def _missing() -> list[type[Server]]:
    return [kind for kind in PACKAGES if not os.environ.get(URLS[kind]) and kind.binary() is None]


def apt_prefix() -> list[str] | None:
    """How to run apt as root, or None where that is not allowed."""
    if shutil.which("apt-get") is None:
        return None
    if os.geteuid() == 0:
        return []
    sudo = ["sudo", "--non-interactive"]
    if shutil.which("sudo") and subprocess.run([*sudo, "true"], check=False, capture_output=True).returncode == 0:
        return sudo
    return None


def apt_install(prefix: list[str], packages: list[str]) -> None:
    """Install without starting services: the tests start private ones."""
    is_ours = not _POLICY.exists()
    if is_ours:
        script = f"printf '#!/bin/sh\\nexit 101\\n' > {_POLICY} && chmod 755 {_POLICY}"
        subprocess.run([*prefix, "sh", "-c", script], check=True)
    try:
        quiet = {"env": {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}, "stdout": subprocess.DEVNULL}
        subprocess.run([*prefix, "apt-get", "update", "-qq"], check=False, **quiet)  # type: ignore[call-overload]
        install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]
        subprocess.run([*prefix, *install], check=False, **quiet)  # type: ignore[call-overload]
    finally:
        if is_ours:
            subprocess.run([*prefix, "rm", "-f", str(_POLICY)], check=True)


if __name__ == "__main__":
    sys.exit(main())
