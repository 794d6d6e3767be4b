"""TLS: of our own listeners, and to PostgreSQL, RabbitMQ and Redis, with certificates of a private authority."""

import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from cordwood.broker.rabbitmq import RabbitBroker
from cordwood.broker.settings import BrokerSettings
from cordwood.cache.redis import RedisCache
from cordwood.clock import SystemClock
from cordwood.config import load, settings_of
from cordwood.db.postgres import Database
from cordwood.errors import ConfigError, Unavailable
from cordwood.model.tenant import Tenant
from cordwood.tenancy.interface import Limits
from cordwood.tenancy.quota.interface import Cost
from cordwood.tenancy.quota.memory import MemoryQuota
from cordwood.tenancy.quota.redis import RedisQuota
from tests.support.builders import batch
from tests.support.certificates import Authority, Issued
from tests.support.processes import Cordwood
from tests.support.servers import Postgres, RabbitMQ, Redis, Server, start_together
from tests.support.waiting import eventually, wait_until


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Another authority, that has signed nothing here."""
    return Authority(tmp_path_factory.mktemp("stranger"), "stranger")


class TestListeners:
    @pytest.fixture
    def issued(self, authority: Authority, tmp_path: Path) -> Issued:
        """Files that the test may replace."""
        folder = tmp_path / "certificates"
        folder.mkdir()
        return authority.issue().copied_to(folder)

    @pytest.fixture
    def up(self, authority: Authority, issued: Issued, tmp_path: Path) -> Iterator[Cordwood]:
        process = served(authority, issued, "up", tmp_path)
        with process:
            yield process

    def test_requests_over_tls(self, up: Cordwood, authority: Authority) -> None:
        assert f"ready at https://127.0.0.1:{up.port}" in up.log()
        assert up.post("/log?wait=stored", b'{"n":1}')[0] == 202
        assert up.count() == 1
        env = {**os.environ, "CORDWOOD_URL": up.url, "SSL_CERT_FILE": str(authority.cert)}
        for arguments in (["send", "-"], ["search"]):
            command = [sys.executable, "-m", "cordwood", *arguments]
            done = subprocess.run(command, env=env, input=b'{"n":2}\n', capture_output=True, check=False)
            assert done.returncode == 0, done.stderr

    def test_other_authorities_old_versions_and_plain_text_are_refused(
        self, up: Cordwood, authority: Authority, stranger: Authority
    ) -> None:
        with pytest.raises(ssl.SSLCertVerificationError):
            serial_of(up, stranger.trusted())
        old = authority.trusted()
        old.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        old.set_ciphers("DEFAULT:@SECLEVEL=0")
        with pytest.warns(DeprecationWarning):
            old.maximum_version = ssl.TLSVersion.TLSv1_1
        with pytest.raises((ssl.SSLError, ConnectionResetError)):
            serial_of(up, old)
        modern = authority.trusted()
        modern.maximum_version = ssl.TLSVersion.TLSv1_2
        assert serial_of(up, modern)
        with socket.create_connection(("127.0.0.1", up.port)) as plain:
            plain.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
            assert not plain.recv(100).startswith(b"HTTP")
        assert up.get("/health")[0] == 200
        assert "Traceback" not in up.log()

    @pytest.mark.parametrize("name", [None, "localhost"])
    def test_a_new_certificate_is_used_and_a_broken_one_is_not(
        self, up: Cordwood, authority: Authority, issued: Issued, name: str | None
    ) -> None:
        trust = authority.trusted()
        trust.check_hostname = name is not None
        first = serial_of(up, trust, name)
        new = authority.issue()
        shutil.copy(new.cert, issued.cert)  # fits no key yet
        wait_until(lambda: "certificate_not_used" in up.log(), 10, "the half pair to be seen")
        assert serial_of(up, trust, name) == first
        shutil.copy(new.key, issued.key)
        wait_until(lambda: serial_of(up, trust, name) != first, 10, "the new pair to be used")
        second = serial_of(up, trust, name)
        issued.cert.write_text("broken")
        wait_until(lambda: up.log().count("certificate_not_used") == 2, 10, "the broken file to be seen")
        issued.key.unlink()
        wait_until(lambda: up.log().count("certificate_not_used") >= 3, 10, "the missing file to be seen")
        assert serial_of(up, trust, name) == second
        assert up.get("/health")[0] == 200

    @pytest.mark.parametrize("command", ["api", "worker", "query"])
    def test_every_service_has_it(self, authority: Authority, issued: Issued, tmp_path: Path, command: str) -> None:
        with served(authority, issued, command, tmp_path) as process:
            assert process.get("/health")[0] == 200

    def test_files_that_cannot_be_used_stop_the_start(self, authority: Authority, tmp_path: Path) -> None:
        one, two = authority.issue(), authority.issue()
        locked = tmp_path / "locked.key"
        command = ["openssl", "ec", "-in", str(one.key), "-aes128", "-passout", "pass:x", "-out", str(locked)]
        subprocess.run(command, check=True, capture_output=True)
        for cert, key, says in (
            (one.cert, two.key, "cannot use the certificate"),
            (one.cert, tmp_path / "none", "No such file"),
            (one.cert, locked, "without a password"),
            (one.key, one.key, "cannot use the certificate"),
            (one.cert, "", "http.tls_key is not set"),
        ):
            process = Cordwood("up", tmp_path / "data", http_tls_cert=str(cert), http_tls_key=str(key))
            process.start(wait=False)
            assert process.process is not None
            assert process.process.wait(15) == 2
            assert says in process.log()
            assert "Traceback" not in process.log()


def served(authority: Authority, issued: Issued, command: str, tmp_path: Path) -> Cordwood:
    process = Cordwood(command, tmp_path / "data", http_tls_cert=str(issued.cert), http_tls_key=str(issued.key))
    process.trust = authority.trusted()
    return process


def serial_of(process: Cordwood, trust: ssl.SSLContext, name: str | None = "localhost") -> str:
    """Which certificate a new connection is shown, by a client that names the server or does not."""
    with (
        socket.create_connection(("127.0.0.1", process.port), timeout=5) as plain,
        trust.wrap_socket(plain, server_hostname=name) as tls,
    ):
        shown = tls.getpeercert()
        assert shown
        return str(shown["serialNumber"])


class TestServers:
    """One of each, started for these tests."""

    @pytest.fixture(scope="class")
    @classmethod
    def servers(cls, authority: Authority) -> Iterator[dict[str, Server]]:
        kinds: dict[str, type[Server]] = {"postgres": Postgres, "rabbitmq": RabbitMQ, "redis": Redis}
        if any(kind.binary() is None for kind in kinds.values()):
            pytest.skip("TLS needs the servers' programs on this machine: images get no certificates")
        made = {name: kind(authority.issue()) for name, kind in kinds.items()}
        try:
            start_together(*made.values())
            yield made
        finally:
            for server in made.values():
                server.close()

    @pytest.fixture
    def postgres(self, servers: dict[str, Server]) -> str:
        return f"postgresql://postgres@127.0.0.1:{servers['postgres'].port}/postgres?sslmode=verify-full&sslrootcert="

    @pytest.fixture
    def amqp(self, servers: dict[str, Server]) -> str:
        return f"amqps://guest:guest@127.0.0.1:{servers['rabbitmq'].tls_port}/?cafile="

    @pytest.fixture
    def redis(self, servers: dict[str, Server]) -> str:
        return f"rediss://127.0.0.1:{servers['redis'].tls_port}/0?ssl_ca_certs="

    async def test_postgresql(self, postgres: str, authority: Authority, stranger: Authority, tmp_path: Path) -> None:
        async with connected(postgres + quote(str(authority.cert))) as database, database.connection() as connection:
            assert await connection.fetchval("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
        async with connected(postgres + quote(str(stranger.cert))) as database:
            with pytest.raises(Unavailable, match="certificate") as refused:
                async with database.connection():
                    pass
            assert "sslrootcert" in refused.value.hint
        with pytest.raises(ConfigError, match=r"sslrootcert.*none\.pem"):
            Database(postgres + str(tmp_path / "none.pem"))

    async def test_rabbitmq(self, amqp: str, authority: Authority, stranger: Authority) -> None:
        settings = BrokerSettings(queue="cordwood.test.tls")
        async with RabbitBroker(amqp + quote(str(authority.cert)), settings) as broker:
            await eventually(lambda: is_up(broker), 10, "the broker to be up")
            await broker.publish(batch())
            assert (await broker.backlog()).batches >= 1
        async with RabbitBroker(amqp + quote(str(stranger.cert)), settings) as broker:

            async def says_why() -> bool:
                with pytest.raises(Unavailable) as refused:
                    await broker.check()
                return "certificate" in refused.value.message.lower() and "cafile" in refused.value.hint

            await eventually(says_why, 10, "the reason to be told")

    async def test_redis(self, redis: str, authority: Authority, stranger: Authority, tmp_path: Path) -> None:
        async with RedisCache(redis + quote(str(authority.cert))) as cache:
            await cache.put(b"tls", b"value", 60)
            assert await cache.get(b"tls") == b"value"
        async with RedisQuota(redis + quote(str(authority.cert)), MemoryQuota(SystemClock())) as quota:
            await quota.take(Tenant("tls"), Limits(daily_bytes=10), Cost(1, 10))
            assert (await quota.state(Tenant("tls"), Limits(daily_bytes=10))).bytes_today == 10
            async with RedisQuota(redis + quote(str(authority.cert)), MemoryQuota(SystemClock())) as another:
                # What another process counted is seen: Redis has it.
                assert (await another.state(Tenant("tls"), Limits(daily_bytes=10))).bytes_today == 10
        with Cordwood("up", tmp_path / "data", cache_url=redis + quote(str(stranger.cert))) as up:
            assert up.json("/api/v1/query?limit=5")["cached"] is False
            assert "certificate verify failed" in up.log()

    def test_the_services_over_tls_only(
        self, postgres: str, amqp: str, redis: str, authority: Authority, tmp_path: Path
    ) -> None:
        ca = quote(str(authority.cert))
        urls = {"store_url": postgres + ca, "broker_url": amqp + ca, "cache_url": redis + ca}
        urls["broker_queue"] = "cordwood.test.tls.services"
        assert Cordwood("migrate", tmp_path / "data", **urls).run().returncode == 0
        with Cordwood("up", tmp_path / "data", **urls) as up:
            assert up.post("/log?wait=stored", b'{"n":1}')[0] == 202
            assert json.loads(up.post("/log?wait=stored", b'{"n":2}')[1])["stored"] is True
            assert up.json("/api/v1/query?limit=5")["cached"] is False
            wait_until(lambda: up.json("/api/v1/query?limit=5")["cached"] is True, 5, "the cache to be used")


def test_passwords_among_a_url_s_options_are_not_shown() -> None:
    config = load({"CORDWOOD_STORE_URL": "postgresql://me:one@db/logs?sslmode=require&sslpassword=two"}, {})
    shown = next(each.value for each in settings_of(config) if each.name == "store.url")
    assert shown == "postgresql://me:***@db/logs?sslmode=require&sslpassword=***"


class connected:  # noqa: N801  # reads as what it makes
    """A database that is closed at the end."""

    def __init__(self, url: str) -> None:
        self._database = Database(url)

    async def __aenter__(self) -> Database:
        return self._database

    async def __aexit__(self, *exc: object) -> None:
        await self._database.close()


async def is_up(broker: RabbitBroker) -> bool:
    try:
        await broker.check()
    except Unavailable:
        return False
    return True
