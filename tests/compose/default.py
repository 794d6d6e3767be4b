"""The stack as it comes: rights, what is compiled, nothing lost while each part is broken, a backup; Prometheus
looks on."""

from tests.compose.checks import check_backup, check_containers, check_one_port
from tests.compose.engine import GRAFANA, Engine
from tests.compose.observability import check_grafana, check_prometheus, check_who_is_gone
from tests.compose.running import broken, reconcile_rows, running, told
from tests.compose.sender import Sender
from tests.compose.stack import Stack


def run(stack: Stack, docker: Engine) -> None:
    has_grafana = docker.has(GRAFANA)
    with running(stack):
        stack.observe("prometheus", *(["grafana"] if has_grafana else []))
        with told("one port answers, with a key"):
            check_one_port(stack)
        with told("containers have no more rights than they need"):
            check_containers(stack)
        with Sender(stack) as sender:
            for what, breaks in (
                ("a worker is killed", lambda: stack.kill(stack.containers("worker")[0])),
                ("an api is restarted", lambda: stack.restart(stack.containers("api")[0])),
                ("the other api is killed", lambda: stack.kill(stack.containers("api")[1])),
                ("RabbitMQ is restarted", lambda: stack.restart(stack.containers("rabbitmq")[0])),
                ("PostgreSQL is killed", lambda: stack.kill(stack.containers("postgres")[0])),
            ):
                with told(what):
                    broken(sender, breaks)
            with told("Prometheus scrapes every process, and evaluates every rule"):
                check_prometheus(stack)
            with told("Prometheus misses workers that are killed"):
                check_who_is_gone(stack)
        if has_grafana:
            with told("Grafana has the dashboard, and reaches Prometheus"):
                check_grafana(stack)
        with told(f"all {sender.events:,} accepted events are there once ({sender.retries} requests were sent again)"):
            reconcile_rows(stack, sender)
        with told("a backup comes back, by the commands of the guide"):
            check_backup(stack)
            reconcile_rows(stack, sender)
