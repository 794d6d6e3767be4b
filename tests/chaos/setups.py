"""The set-ups that faults befall: which processes run on which parts."""

import random
from pathlib import Path

from tests.chaos.set_up import SetUp
from tests.support.cluster import Cluster
from tests.support.processes import Cordwood
from tests.support.servers import Postgres, RabbitMQ, Redis

SCALED_OUT = ("api", "api2", "api3", "worker", "worker2", "worker3", "worker4", "query", "query2")


def embedded(directory: Path, rng: random.Random) -> SetUp:
    """Everything in one process."""
    made = SetUp(directory, rng)
    made.run("up")
    return made


def troubled(directory: Path, rng: random.Random) -> SetUp:
    """Everything in one process, whose clock and disk can be made to fail. It stores once a second, so that there is
    something left to store when they do."""
    made = SetUp(directory, rng)
    made.settings |= {"worker_pace_s": "1", "worker_writers": "1"}
    made.trouble.shift_clock(0)
    made.run("up")
    return made


def small_disk(directory: Path, rng: random.Random) -> SetUp:
    """Everything in one process, on a disk of 200 MB."""
    made = SetUp(directory, rng)
    made.mount(200)
    made.run("up")
    return made


def split(directory: Path, rng: random.Random) -> SetUp:
    """The embedded parts under processes of their own."""
    made = SetUp(directory, rng)
    made.run("worker")
    made.run("api", "query")
    return made


def services(directory: Path, rng: random.Random) -> SetUp:
    """RabbitMQ, PostgreSQL rows and Redis; two api processes, two workers on one queue."""
    made = SetUp(directory, rng)
    made.serve(postgres=Postgres(), rabbitmq=RabbitMQ(), redis=Redis())
    made.settings |= {
        "broker_url": made.servers["rabbitmq"].url,
        "store_url": made.make_database(),
        "cache_url": made.servers["redis"].url,
    }
    assert Cordwood("migrate", made.data, **made.settings).run().returncode == 0
    made.run("api", "api", "worker", "worker", "query", names=("api", "api2", "worker", "worker2", "query"))
    return made


def small_database(directory: Path, rng: random.Random) -> SetUp:
    """RabbitMQ, and PostgreSQL rows on a disk that can be filled."""
    made = SetUp(directory, rng)
    made.serve_on_small_disk("postgres", Postgres(), 2500)
    made.serve(rabbitmq=RabbitMQ())
    made.settings |= {"broker_url": made.servers["rabbitmq"].url, "store_url": made.make_database()}
    assert Cordwood("migrate", made.data, **made.settings).run().returncode == 0
    made.run("api", "worker", "query")
    return made


def spooled(directory: Path, rng: random.Random) -> SetUp:
    """RabbitMQ and PostgreSQL, the api with a spool of its own."""
    made = SetUp(directory, rng)
    made.serve(postgres=Postgres(), rabbitmq=RabbitMQ())
    made.settings |= {
        "broker_url": made.servers["rabbitmq"].url,
        "broker_spool_bytes": str(64 << 20),
        "store_url": made.make_database(),
    }
    assert Cordwood("migrate", made.data, **made.settings).run().returncode == 0
    made.run("api", "worker", "query")
    return made


def proxied(directory: Path, rng: random.Random) -> SetUp:
    """RabbitMQ and PostgreSQL behind proxies that cut and stall; the worker's way to RabbitMQ is one of its own."""
    made = SetUp(directory, rng)
    made.serve(postgres=Postgres(), rabbitmq=RabbitMQ())
    made.settings |= {
        "broker_url": made.put_proxy("rabbitmq", made.servers["rabbitmq"].url),
        "store_url": made.put_proxy("postgres", made.make_database()),
    }
    assert Cordwood("migrate", made.data, **made.settings).run().returncode == 0
    made.run("api", "query")
    made.settings["broker_url"] = made.put_proxy("rabbitmq's worker", made.servers["rabbitmq"].url)
    made.run("worker")
    return made


def slow(directory: Path, rng: random.Random) -> SetUp:
    """A queue that a slow worker lets run full: 300 kB of room, fifty batches a second."""
    made = SetUp(directory, rng)
    made.settings |= {
        "broker_max_size_bytes": "300000",
        "worker_pace_s": "1",
        "worker_writers": "1",
        "worker_prefetch": "50",
    }
    made.run("worker")
    made.run("api", "query")
    return made


def cluster(directory: Path, rng: random.Random) -> SetUp:
    """A RabbitMQ cluster of three nodes before PostgreSQL rows."""
    made = SetUp(directory, rng)
    made.serve(postgres=Postgres())
    made.cluster = Cluster()
    made.at_end(made.cluster.close)
    made.settings |= {"broker_url": made.cluster.start().url, "store_url": made.make_database()}
    assert Cordwood("migrate", made.data, **made.settings).run().returncode == 0
    made.run("api", "worker", "query")
    return made


def on_cluster(directory: Path, rng: random.Random) -> SetUp:
    """Only the servers: a RabbitMQ cluster of three nodes, PostgreSQL and Redis."""
    made = SetUp(directory, rng)
    made.cluster = Cluster()
    made.at_end(made.cluster.close)
    made.serve(postgres=Postgres(), redis=Redis())
    made.settings |= {"broker_url": made.cluster.start().url, "cache_url": made.servers["redis"].url}
    return made


def scale_out(made: SetUp) -> SetUp:
    """Three api, four worker and two query processes on such servers, with PostgreSQL rows."""
    made.settings["store_url"] = made.make_database()
    assert Cordwood("migrate", made.data, **made.settings).run().returncode == 0
    made.run(*(name.rstrip("234") for name in SCALED_OUT), names=SCALED_OUT)
    return made


def scaled_out(directory: Path, rng: random.Random) -> SetUp:
    """Both."""
    return scale_out(on_cluster(directory, rng))


def segments(directory: Path, rng: random.Random) -> SetUp:
    """RabbitMQ before segments."""
    made = SetUp(directory, rng)
    made.serve(rabbitmq=RabbitMQ())
    made.settings |= {"broker_url": made.servers["rabbitmq"].url}
    made.run("worker")
    made.run("api", "query")
    return made


def shared(directory: Path, rng: random.Random) -> SetUp:
    """RabbitMQ, and PostgreSQL behind a proxy, which keeps rows and names segments; two workers share a directory."""
    made = SetUp(directory, rng)
    made.serve(postgres=Postgres(), rabbitmq=RabbitMQ())
    made.settings |= {
        "broker_url": made.servers["rabbitmq"].url,
        "store_url": made.put_proxy("postgres", made.make_database()),
        "store_keep": "both",
    }
    assert Cordwood("migrate", made.data, **made.settings).run().returncode == 0
    made.run("api", "worker", "worker", "query", names=("api", "worker", "worker2", "query"))
    return made


SET_UPS = {
    "embedded": embedded,
    "troubled": troubled,
    "small disk": small_disk,
    "split": split,
    "slow": slow,
    "services": services,
    "small database": small_database,
    "spooled": spooled,
    "proxied": proxied,
    "segments": segments,
    "shared": shared,
    "cluster": cluster,
    "scaled out": scaled_out,
}
