"""Servers for tests: shared ones that run all along, and victims that tests may stop and kill.

CORDWOOD_TEST_POSTGRES_URL, CORDWOOD_TEST_AMQP_URL, CORDWOOD_TEST_REDIS_URL and CORDWOOD_TEST_S3_URL (http://KEY:SECRET@
HOST:PORT/BUCKET) point the tests at running servers.
"""

import atexit
import os
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql

from cordwood.logs import LogSettings, configure_logs
from tests.support.ceph import Ceph
from tests.support.servers import Postgres, RabbitMQ, Redis, Server, UnsyncedPostgres

# The engine's binding complains at exit of objects that the interpreter does not free any more: after the results.
atexit.register(lambda: os.dup2(os.open(os.devnull, os.O_WRONLY), 2))

ServerT = TypeVar("ServerT", bound=Server)

_KINDS: dict[str, type[Server]] = {
    "postgres": UnsyncedPostgres,
    "rabbitmq": RabbitMQ,
    "redis_server": Redis,
    "object_storage": Ceph,
    "victim_postgres_server": Postgres,
    "victim_rabbitmq_server": RabbitMQ,
    "victim_redis_server": Redis,
}
_URLS = {
    "postgres": "CORDWOOD_TEST_POSTGRES_URL",
    "rabbitmq": "CORDWOOD_TEST_AMQP_URL",
    "redis_server": "CORDWOOD_TEST_REDIS_URL",
    "object_storage": "CORDWOOD_TEST_S3_URL",
}


@pytest.fixture(scope="session", autouse=True)
def quiet_logs() -> None:
    """Only warnings of the platform's own logs are worth a failed test's screen."""
    configure_logs(LogSettings(level="warning"))


class Servers:
    """Starts what the collected tests ask for, side by side, when the first of them does; each waits for its own."""

    def __init__(self, wanted: set[str]) -> None:
        self._servers = {name: kind() for name, kind in _KINDS.items() if name in wanted and not given(name)}
        self._pool = ThreadPoolExecutor(max(1, len(self._servers)))
        self._started = {name: self._pool.submit(server.start) for name, server in self._servers.items()}

    def __getitem__(self, name: str) -> Server:
        """Once it answers."""
        return self._started[name].result()

    def close(self) -> None:
        self._pool.shutdown()
        for server in self._servers.values():
            server.close()


def given(name: str) -> str | None:
    """The URL of a running server that a developer wants the tests to use."""
    return os.environ.get(_URLS.get(name, "")) or None


@pytest.fixture(scope="session")
def servers(request: pytest.FixtureRequest) -> Iterator[Servers]:
    wanted: set[str] = set()
    for item in request.session.items:
        wanted |= set(getattr(item, "fixturenames", ()))
        # Fixtures that a parametrised fixture asks for by name are not in that list.
        wanted |= {name for name in _KINDS if name in getattr(item, "name", "")}
    lazily = {name for name in _KINDS if not name.startswith("victim")}
    running = Servers((wanted & set(_KINDS)) | lazily)
    yield running
    running.close()


@pytest.fixture(scope="session")
def postgres(servers: Servers) -> str:
    """URL of the shared PostgreSQL's maintenance database."""
    return given("postgres") or servers["postgres"].url


@pytest.fixture(scope="session")
def rabbitmq(servers: Servers) -> str:
    return given("rabbitmq") or servers["rabbitmq"].url


@pytest.fixture(scope="session")
def redis_server(servers: Servers) -> str:
    return given("redis_server") or servers["redis_server"].url


@pytest.fixture(scope="session")
def object_storage(servers: Servers) -> str:
    """URL of a bucket: http://KEY:SECRET@HOST:PORT/BUCKET."""
    return given("object_storage") or servers["object_storage"].url


@pytest.fixture
def postgres_url(postgres: str) -> Iterator[str]:
    """A fresh database, dropped afterwards."""
    with database(postgres) as url:
        yield url


@pytest.fixture
def amqp_url(rabbitmq: str) -> str:
    return rabbitmq


@pytest.fixture
def queue_name() -> str:
    """A queue of the test's own."""
    return f"cordwood.test.{secrets.token_hex(6)}"


@pytest.fixture
def bucket(object_storage: str) -> dict[str, str]:
    """Settings of a store whose segments are in object storage, below a prefix of the test's own."""
    return bucket_settings(object_storage)


@pytest.fixture
def redis_url(redis_server: str) -> str:
    """Keys are hashes of what they hold: tests do not get in each other's way."""
    return redis_server


@pytest.fixture
def service_urls(postgres_url: str, amqp_url: str, redis_url: str, queue_name: str) -> dict[str, str]:
    """Settings of a process that works with all three servers."""
    return {"store_url": postgres_url, "broker_url": amqp_url, "cache_url": redis_url, "broker_queue": queue_name}


def bucket_settings(url: str, prefix: str = "") -> dict[str, str]:
    """For a bucket's URL. Without a prefix, one that nobody has."""
    parts = urlsplit(url)
    assert parts.username and parts.password, "tests sign their requests"
    return {
        "segments_dir": f"s3:/{parts.path}/{prefix or secrets.token_hex(6)}",
        "s3_endpoint": f"http://{parts.hostname}:{parts.port}",
        "s3_access_key": parts.username,
        "s3_secret_key": parts.password,
    }


@pytest.fixture(scope="session")
def victim_postgres_server(servers: Servers) -> Server:
    return servers["victim_postgres_server"]


@pytest.fixture(scope="session")
def victim_rabbitmq_server(servers: Servers) -> Server:
    return servers["victim_rabbitmq_server"]


@pytest.fixture(scope="session")
def victim_redis_server(servers: Servers) -> Server:
    return servers["victim_redis_server"]


@pytest.fixture
def victim_postgres(victim_postgres_server: Postgres) -> Iterator[Postgres]:
    """A PostgreSQL that the test may stop and kill. Its url names the maintenance database."""
    yield victim_postgres_server
    victim_postgres_server.start()


@pytest.fixture
def victim_rabbitmq(victim_rabbitmq_server: RabbitMQ) -> Iterator[RabbitMQ]:
    """A RabbitMQ that the test may stop and kill, but not within two seconds of declaring a queue."""
    yield victim_rabbitmq_server
    victim_rabbitmq_server.start()


@pytest.fixture
def victim_redis(victim_redis_server: Redis) -> Iterator[Redis]:
    """A Redis that the test may stop and kill."""
    yield victim_redis_server
    victim_redis_server.start()


class database:  # noqa: N801  # reads as what it makes
    """`with database(url) as fresh`: a new database on a server, dropped at the end."""

    def __init__(self, server_url: str) -> None:
        self._server_url = server_url
        self._name = f"cordwood_test_{secrets.token_hex(6)}"

    def __enter__(self) -> str:
        with psycopg.connect(self._server_url, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{self._name}"'.encode())
        return urlunsplit(urlsplit(self._server_url)._replace(path=f"/{self._name}"))

    def __exit__(self, *exc: object) -> None:
        with psycopg.connect(self._server_url, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{self._name}" WITH (FORCE)'.encode())


def drop_roles(url: str) -> None:
    """Those of a database's SQL users: roles are of the server, and stay when the database goes."""
    with psycopg.connect(url, autocommit=True) as connection:
        for (name,) in connection.execute(
            "SELECT role FROM sql_users u JOIN pg_roles r ON r.oid = u.number"
        ).fetchall():
            connection.execute(sql.SQL("DROP ROLE {0}").format(sql.Identifier(name)))
        connection.execute("""
            DO $$ BEGIN
                EXECUTE (SELECT format('DROP OWNED BY %1$I CASCADE; DROP ROLE %1$I', 'cordwood_sql_' || oid)
                    FROM pg_database WHERE datname = current_database());
            END $$
        """)
