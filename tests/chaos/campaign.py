"""A fault, again and again, under load; then the reckoning."""

import random
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from tests.chaos import faults
from tests.chaos.faults import Fault
from tests.chaos.load import Load
from tests.chaos.reconcile import Reconciled, reconcile
from tests.chaos.setups import SCALED_OUT, SET_UPS


class Case(Struct, frozen=True):
    """A fault against a set-up. `short` and `long` say how often it strikes."""

    name: str
    setup: str
    fault: Fault
    short: int
    long: int


class Outcome(Struct, frozen=True):
    """What became of a case."""

    case: str
    setup: str
    seed: int
    strikes: int
    seconds: float
    refused: int
    unanswered: int
    reconciled: Reconciled


_MANY = 40

CASES = [
    Case("kill all-in-one", "embedded", faults.killed("up"), 4, 100),
    Case("kill api, worker, query", "split", faults.killed("api", "worker", "query"), 4, 300),
    Case("kill worker after its commit", "split", faults.killed_after_commit, 2, 50),
    Case("kill api", "services", faults.killed("api", "api2"), 3, 100),
    Case("kill worker (two on a queue)", "services", faults.killed("worker", "worker2"), 3, 100),
    Case("kill query", "services", faults.killed("query"), 2, 100),
    Case("kill api, worker, query", "segments", faults.killed("api", "worker", "query"), 3, 100),
    Case("kill worker (two on a queue)", "shared", faults.killed("worker", "worker2"), 3, 100),
    Case("kill PostgreSQL", "shared", faults.server_killed("postgres"), 1, 20),
    Case("cut connections to PostgreSQL", "shared", faults.connections_cut("postgres"), 2, 50),
    Case("restart all-in-one", "embedded", faults.restarted("up"), 3, 30),
    Case("rolling restart", "services", faults.restarted("api", "api2", "worker", "worker2", "query"), 4, 100),
    Case("kill PostgreSQL", "services", faults.server_killed("postgres"), 1, 20),
    Case("kill RabbitMQ", "services", faults.queue_killed, 1, 20),
    Case("kill Redis", "services", faults.server_killed("redis"), 1, 20),
    Case("kill RabbitMQ", "spooled", faults.queue_killed, 1, 20),
    Case("kill api", "spooled", faults.killed("api"), 1, 50),
    Case("kill api while RabbitMQ is away", "spooled", faults.killed_while_spooling, 1, 20),
    Case("kill one RabbitMQ node of three", "cluster", faults.node_killed, 1, 10),
    Case("part one RabbitMQ node of three", "cluster", faults.node_parted, 1, 10),
    Case("rolling restart of every process", "scaled out", faults.restarted(*SCALED_OUT), 4, 100),
    Case("restart one RabbitMQ node of three", "scaled out", faults.node_restarted, 1, 30),
    Case("cut connections to RabbitMQ", "proxied", faults.connections_cut("rabbitmq", "rabbitmq's worker"), 2, 50),
    Case("acks to RabbitMQ lost", "proxied", faults.acks_lost, 2, 50),
    Case("cut connections to PostgreSQL", "proxied", faults.connections_cut("postgres"), 2, 50),
    Case(
        "stall connections to RabbitMQ",
        "proxied",
        faults.connections_stalled("rabbitmq", "rabbitmq's worker"),
        1,
        20,
    ),
    Case("stall connections to PostgreSQL", "proxied", faults.connections_stalled("postgres"), 1, 20),
    Case("disk full", "small disk", faults.disk_filled, 3, 50),
    Case("PostgreSQL's disk full", "small database", faults.database_disk_filled, 1, 50),
    Case("fsync fails", "troubled", faults.syncs_failed, 3, 50),
    Case("clock jumps", "troubled", faults.clock_jumped, 3, 50),
    Case("clock is set right", "troubled", faults.clock_set_right, 1, 1),
    Case("out of memory", "split", faults.memory_ran_out("api", "worker", "query"), 2, 50),
    Case("worker slower than senders", "slow", faults.load_went_on, 1, 30),
]


def strike(
    name: str, setup_name: str, blows: Sequence[tuple[Fault, int]], seed: int, *, is_gentle: bool = False
) -> Outcome:
    """Let faults strike, each so often, in a set-up of their own; the outcome goes by `name`. `is_gentle`: under a load
    that is counted quickly afterwards; where they strike often, it is always.

    Raises what the set-up raises when it cannot recover.
    """
    rng = random.Random(seed)
    started = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="cordwood-chaos-") as directory,
        SET_UPS[setup_name](Path(directory), rng) as setup,
    ):
        is_gentle = is_gentle or sum(times for _, times in blows) > _MANY
        with Load(setup.api_urls, rng, is_gentle=is_gentle) as load:
            setup.acknowledged, setup.refused = (lambda: load.events), (lambda: load.refused)
            for fault, times in blows:
                for _ in range(times):
                    fault(setup)
            for process in setup.processes:
                setup.wait_ready(process)
        reconciled = reconcile(setup, load)
    seconds = round(time.monotonic() - started, 1)
    strikes = sum(times for _, times in blows)
    return Outcome(name, setup_name, seed, strikes, seconds, load.refused, load.unanswered, reconciled)
