"""Private PostgreSQL, RabbitMQ and Redis: own directory, free ports, gone with the tests however they end.

Each server runs under `tests.support.guard`, which kills its process group and removes its directory when the test
process is gone, even by SIGKILL.
"""

import contextlib
import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

import psycopg

from tests.support import docker
from tests.support.certificates import Issued
from tests.support.waiting import wait_until

_START_TIMEOUT_S = 60.0
CLUSTER_COOKIE = "cordwoodtests"
_PORTS = itertools.cycle(range(10_000 + os.getpid() % 20 * 1_000, 11_000 + os.getpid() % 20 * 1_000))
"""Below those of the kernel's choice; a block for each test process, as they run side by side."""
_UNPRIVILEGED = ("postgres", "nobody")


def free_port() -> int:
    """A port that nothing listens on just now. Neither a connection nor, for a thousand calls, another server is given
    it: one that is killed and started again finds it free."""
    while True:
        port = next(_PORTS)
        with socket.socket() as sock, contextlib.suppress(OSError):
            sock.bind(("127.0.0.1", port))
            return port


def find(name: str, *folders: str) -> Path | None:
    """A program in the given folders (globs) or on the PATH."""
    for pattern in folders:
        for folder in sorted(Path("/").glob(pattern.lstrip("/")), reverse=True):
            if (folder / name).is_file():
                return folder / name
    found = shutil.which(name)
    return Path(found) if found else None


class Server:
    """One server process with its directory. `start` after `stop` or `kill` goes on with the same port and data."""

    name: str
    image: str
    image_port: int
    image_data: str
    image_env: tuple[str, ...] = ()

    def __init__(self, tls: Issued | None = None) -> None:
        """With a certificate the server also speaks TLS, on `tls_port`."""
        self.port = free_port()
        self.tls_port = free_port()
        self.directory = Path(tempfile.mkdtemp(prefix=f"cordwood-test-{self.name}-"))
        self.directory.chmod(0o755)
        self._process: subprocess.Popen[bytes] | None = None
        self._tls = None if tls is None else tls.copied_to(self.directory)

    @property
    def url(self) -> str:
        raise NotImplementedError

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The process whose descendants the server is."""
        assert self._process is not None, "it has been started"
        return self._process.pid

    @classmethod
    def binary(cls) -> Path | None:
        """The server's program on this machine; None means that a Docker image is used."""
        raise NotImplementedError

    def command(self) -> tuple[list[str], dict[str, str]]:
        """What to run, and its environment."""
        raise NotImplementedError

    def accepts(self) -> bool:
        """Whether the server answers now."""
        raise NotImplementedError

    def start(self) -> Self:
        """Returns when the server answers."""
        if self.is_running:
            return self
        command, env = self.command() if self.binary() else (self._docker_command(), dict(os.environ))
        with (self.directory / "output.log").open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.guard", str(self.directory), *command],
                env=env,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                start_new_session=True,
                cwd=Path(__file__).parents[2],
            )
        wait_until(self._accepts_or_died, _START_TIMEOUT_S, f"{self.name} to start")
        return self

    def stop(self) -> None:
        """Ask the server to end, as an operator would."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End the server as a power cut would: its whole group, at once."""
        if self.is_running and self.binary() is None:
            docker.kill(self.directory.name)
        self._end(signal.SIGKILL)

    def close(self) -> None:
        """Kill, and remove everything."""
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _end(self, number: signal.Signals) -> None:
        if self._process is None or self._process.stdin is None:
            return
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(f"{number.value}\n".encode())
            self._process.stdin.flush()
        self._process.wait(timeout=30)
        with contextlib.suppress(BrokenPipeError):  # closing tries once more to write what could not be written
            self._process.stdin.close()
        self._process = None

    def _docker_command(self) -> list[str]:
        ports, data = (self.port, self.image_port), (self.directory / "data", self.image_data)
        return docker.run_command(self.directory.name, self.image, ports, data, env=self.image_env)

    def _accepts_or_died(self) -> bool:
        if not self.is_running:
            raise RuntimeError(f"{self.name} did not start:\n{self.output()}")
        return self.accepts()

    def output(self) -> str:
        """What the server said last."""
        return (self.directory / "output.log").read_text(errors="replace")[-4000:]


class Postgres(Server):
    """A PostgreSQL cluster; superuser `postgres`, no password."""

    name = "postgres"
    image, image_port, image_data = "postgres:16", 5432, "/var/lib/postgresql/data"
    image_env = ("POSTGRES_HOST_AUTH_METHOD=trust",)
    is_synced = True
    _folders = ("/usr/lib/postgresql/*/bin", "/usr/local/pgsql/bin", "/opt/homebrew/opt/postgresql*/bin")

    @classmethod
    def binary(cls, name: str = "postgres") -> Path | None:
        return find(name, *cls._folders)

    @property
    def url(self) -> str:
        return self.url_of("postgres")

    def url_of(self, database: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def command(self) -> tuple[list[str], dict[str, str]]:
        data = self.directory / "data"
        drop = dropping(self.directory)
        if not data.exists():
            initdb = [*drop, str(self.binary("initdb")), "-D", str(data), "-U", "postgres", "-A", "trust", "--no-sync"]
            subprocess.run([*initdb, "-E", "UTF8", "--locale=C.UTF-8"], check=True, capture_output=True, cwd="/")
        options = {"listen_addresses": "127.0.0.1", "unix_socket_directories": self.directory, "max_connections": 200}
        if not self.is_synced:
            options |= {"fsync": "off", "full_page_writes": "off"}
        if self._tls is not None:
            options |= {"ssl": "on", "ssl_cert_file": self._tls.cert, "ssl_key_file": self._tls.key}
            shutil.chown(self._tls.key, *_owner(self.directory))
        flags = [flag for name, value in options.items() for flag in ("-c", f"{name}={value}")]
        return [*drop, str(self.binary()), "-D", str(data), "-p", str(self.port), *flags], dict(os.environ)

    def accepts(self) -> bool:
        try:
            psycopg.connect(self.url, connect_timeout=1).close()
        except psycopg.OperationalError:
            return False
        return True

    def stop(self) -> None:
        self._end(signal.SIGINT)  # "fast": does not wait for clients


class UnsyncedPostgres(Postgres):
    """One that waits for no disk, for tests that kill no server: they make and drop a database each."""

    is_synced = False


class Redis(Server):
    """A Redis that keeps nothing on disk."""

    name = "redis"
    image, image_port, image_data = "redis:7", 6379, "/data"

    @classmethod
    def binary(cls) -> Path | None:
        return find("redis-server") or find("valkey-server")

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def command(self) -> tuple[list[str], dict[str, str]]:
        options = {"port": self.port, "bind": "127.0.0.1", "dir": self.directory, "save": "", "appendonly": "no"}
        if self._tls is not None:
            options |= {"tls-port": self.tls_port, "tls-auth-clients": "no", "tls-ca-cert-file": self._tls.authority}
            options |= {"tls-cert-file": self._tls.cert, "tls-key-file": self._tls.key}
        flags = [flag for name, value in options.items() for flag in (f"--{name}", str(value))]
        return [str(self.binary()), *flags], dict(os.environ)

    def accepts(self) -> bool:
        return _says(self.port, b"PING\r\n", b"+PONG")


class RabbitMQ(Server):
    """A RabbitMQ node with its own epmd, user and password `guest`.

    A quorum queue that is killed within about two seconds of its declaration does not recover on 3.10: tests that
    kill must let it settle first.
    """

    name = "rabbitmq"
    image, image_port, image_data = "rabbitmq:3.13", 5672, "/var/lib/rabbitmq"
    _folders = ("/usr/lib/rabbitmq/bin", "/usr/lib/rabbitmq/lib/*/sbin", "/opt/homebrew/sbin")

    def __init__(
        self, tls: Issued | None = None, node: str = "test", peers: Sequence[str] = (), epmd_port: int = 0
    ) -> None:
        """Of a cluster, `node` is one of `peers`; they share an epmd, and `CLUSTER_COOKIE`."""
        super().__init__(tls)
        self.node, self._peers = node, peers
        self._has_own_epmd = not epmd_port
        self._epmd_port, self._dist_port = epmd_port or free_port(), free_port()

    @classmethod
    def binary(cls, name: str = "rabbitmq-server") -> Path | None:
        return find(name, *cls._folders)

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self.port}/"

    def command(self) -> tuple[list[str], dict[str, str]]:
        start_epmd = f'"{self.epmd()}" -address 127.0.0.1 -port {self._epmd_port} &' if self._has_own_epmd else ""
        return ["sh", "-c", f'{start_epmd} exec "{self.binary()}"'], self._env()

    @staticmethod
    def epmd() -> Path | None:
        """Erlang's port mapper."""
        return find("epmd", "/usr/lib/erlang/erts-*/bin", "/usr/lib/erlang/bin")

    def control(self, *arguments: str, tool: str = "rabbitmqctl") -> str:
        """Run rabbitmqctl, or another of RabbitMQ's tools, against this node."""
        done = subprocess.run(
            [str(self.binary(tool)), *arguments], env=self._env(), check=True, capture_output=True, text=True
        )
        return done.stdout

    def accepts(self) -> bool:
        return _says(self.port, b"AMQP\x00\x00\x09\x01", b"\x01")

    def _env(self) -> dict[str, str]:
        etc = self.directory / "etc"
        etc.mkdir(exist_ok=True)
        (etc / "enabled_plugins").write_text("[].\n")
        lines = ["loopback_users.guest = true"]
        if self._peers:
            # As RabbitMQ's guide advises for three nodes: a minority stops serving, and comes back by itself.
            lines.append("cluster_partition_handling = pause_minority")
            lines.append("cluster_formation.peer_discovery_backend = classic_config")
            lines += [
                f"cluster_formation.classic_config.nodes.{n} = {peer}@localhost"
                for n, peer in enumerate(self._peers, 1)
            ]
            cookie = self.directory / "home" / ".erlang.cookie"
            cookie.parent.mkdir(exist_ok=True)
            if not cookie.exists():
                cookie.write_text(CLUSTER_COOKIE)
                cookie.chmod(0o400)
        if self._tls is not None:
            lines.append(f"listeners.ssl.default = 127.0.0.1:{self.tls_port}")
            files = {"certfile": self._tls.cert, "keyfile": self._tls.key, "cacertfile": self._tls.authority}
            lines += [f"ssl_options.{name} = {file}" for name, file in files.items()]
            lines.append("ssl_options.verify = verify_none")
        (etc / "rabbitmq.conf").write_text("\n".join(lines) + "\n")
        private = {
            "HOME": self.directory / "home",
            "ERL_EPMD_PORT": self._epmd_port,
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": f"{self.node}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": self.port,
            "RABBITMQ_DIST_PORT": self._dist_port,
            "RABBITMQ_MNESIA_BASE": self.directory / "mnesia",
            "RABBITMQ_LOG_BASE": self.directory / "log",
            "RABBITMQ_PID_FILE": self.directory / "pid",
            "RABBITMQ_ENABLED_PLUGINS_FILE": etc / "enabled_plugins",
            "RABBITMQ_CONFIG_FILE": etc / "rabbitmq.conf",
            "RABBITMQ_GENERATED_CONFIG_DIR": etc,
            "RABBITMQ_CONF_ENV_FILE": etc / "none.conf",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1 +sbwt none +sbwtdcpu none +sbwtdio none",
        }
        for folder in ("home", "mnesia", "log"):
            (self.directory / folder).mkdir(exist_ok=True)
        return {**os.environ, **{name: str(value) for name, value in private.items()}}


def dropping(directory: Path) -> list[str]:
    """How a command line begins. PostgreSQL refuses root: give the directory to somebody else, and run as them."""
    if os.geteuid() != 0:
        return []
    user = next(name for name in _UNPRIVILEGED if _exists(name))
    entry = pwd.getpwnam(user)
    os.chown(directory, entry.pw_uid, entry.pw_gid)
    return ["setpriv", f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}", "--clear-groups"]


def _owner(directory: Path) -> tuple[int, int]:
    stat = directory.stat()
    return stat.st_uid, stat.st_gid


def _exists(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True


def _says(port: int, question: bytes, answer: bytes) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 1) as sock:
            sock.settimeout(1)
            sock.sendall(question)
            return sock.recv(len(answer)) == answer
    except OSError:
        return False


def start_together(*servers: Server) -> None:
    """Start side by side: RabbitMQ alone takes several seconds."""
    from concurrent.futures import ThreadPoolExecutor

    calls: list[Callable[[], Server]] = [server.start for server in servers]
    with ThreadPoolExecutor(len(calls)) as pool:
        for started in [pool.submit(call) for call in calls]:
            started.result()
