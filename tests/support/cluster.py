"""A RabbitMQ cluster of three nodes on this machine: three names, three ports, one epmd."""

import os
import socket
import subprocess
from pathlib import Path
from typing import Self

from tests.support.servers import CLUSTER_COOKIE, RabbitMQ, Server, start_together
from tests.support.waiting import wait_until

_NAMES = ("one", "two", "three")


class _Epmd(Server):
    """Erlang's port mapper; it has to outlive every node."""

    name = "epmd"

    @property
    def url(self) -> str:
        return f"epmd://127.0.0.1:{self.port}"

    @classmethod
    def binary(cls) -> Path | None:
        return RabbitMQ.epmd()

    def command(self) -> tuple[list[str], dict[str, str]]:
        return [str(RabbitMQ.epmd()), "-address", "127.0.0.1", "-port", str(self.port)], dict(os.environ)

    def accepts(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True


class Cluster:
    """Three nodes; `url` names all of them."""

    def __init__(self) -> None:
        self._epmd = _Epmd()
        self.nodes = {name: RabbitMQ(node=name, peers=_NAMES, epmd_port=self._epmd.port) for name in _NAMES}

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@{','.join(f'127.0.0.1:{node.port}' for node in self.nodes.values())}/"

    def start(self) -> Self:
        """Returns when the three know of each other."""
        self._epmd.start()
        start_together(*self.nodes.values())
        self.wait_whole()
        return self

    def close(self) -> None:
        for node in self.nodes.values():
            node.close()
        self._epmd.close()

    def sees(self, name: str) -> set[str]:
        """The running nodes in the eyes of one."""
        try:
            said = self.nodes[name].control("eval", "rabbit_mnesia:cluster_nodes(running).")
        except subprocess.CalledProcessError:  # it pauses, or is only starting
            return set()
        return {each for each in _NAMES if f"{each}@localhost" in said}

    def can_spare(self, name: str) -> bool:
        """Whether every quorum queue would still have its majority without this node: what an operator asks before a
        restart, as a node that has just come back may not have caught up yet."""
        try:
            self.nodes[name].control("check_if_node_is_quorum_critical", tool="rabbitmq-diagnostics")
        except subprocess.CalledProcessError:
            return False
        return True

    def restart(self, name: str) -> None:
        """Stop a node in order once the others can spare it, and start it. Returns when all know of each other."""
        wait_until(lambda: self.can_spare(name), 60, f"the queues to be able to spare node {name}")
        self.nodes[name].stop()
        self.nodes[name].start()
        self.wait_whole()

    def part(self, name: str) -> None:
        """Cut a node off from the others: it lives, and nobody hears it."""
        code = "[erlang:set_cookie(N, here) || N <- nodes()], [erlang:disconnect_node(N) || N <- nodes()]."
        for each, node in self.nodes.items():
            if each != name:  # another cookie than it will have for them: with the same one they would meet again
                node.control("eval", f"erlang:set_cookie('{name}@localhost', there).")
        self.nodes[name].control("eval", code)

    def join(self, name: str) -> None:
        """Let it be heard again. Returns when the three know of each other."""
        for each, node in self.nodes.items():
            others = [name] if each != name else [other for other in _NAMES if other != name]
            for other in others:
                node.control("eval", f"erlang:set_cookie('{other}@localhost', {CLUSTER_COOKIE}).")
        for other in _NAMES:
            if other != name:
                self.nodes[name].control("eval", f"net_adm:ping('{other}@localhost').")
        self.wait_whole()

    def wait_whole(self) -> None:
        """Until the three know of each other."""
        wait_until(lambda: all(self.sees(name) == set(_NAMES) for name in _NAMES), 90, "the nodes to find each other")
