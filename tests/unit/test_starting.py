"""A command starts in a moment: it imports what it needs, and no more."""

import subprocess
import sys

import pytest

from cordwood.cli.app import COMMANDS, told_apart

_HEAVY = ("numba", "pyarrow", "duckdb", "numpy", "uvicorn", "uvloop", "starlette", "prometheus_client")
_CLIENTS = ("search", "send", "import", "export", "delete", "dead-letters")
"""Commands that ask a server: they read no settings, and need no loop of their own."""

_IMPORTED = """
import sys
from cordwood.cli.app import app_for
app_for(sys.argv[1:])
print(*sys.modules)
"""


def imported(*arguments: str) -> set[str]:
    """Which modules are there once a command is about to run."""
    done = subprocess.run([sys.executable, "-c", _IMPORTED, *arguments], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("arguments", [(), ("--help",), *((name,) for name in COMMANDS)])
def test_no_command_imports_what_only_a_service_needs(arguments: tuple[str, ...]) -> None:
    assert imported(*arguments).isdisjoint(_HEAVY)


@pytest.mark.parametrize("name", _CLIENTS)
def test_a_client_needs_no_settings(name: str) -> None:
    assert imported(name).isdisjoint({"asyncio", "structlog", "cordwood.config", "cordwood.wiring"})


def test_a_command_imports_no_other() -> None:
    assert {name for name in imported("version") if name.startswith("cordwood.cli.")} == {
        "cordwood.cli.app",
        "cordwood.cli.version",
    }


def test_keys_and_settings_are_read_without_what_serves_and_stores() -> None:
    code = "import sys, cordwood.wiring.parts; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()).isdisjoint({*_HEAVY} - {"prometheus_client"})


@pytest.mark.parametrize("query", ["-host:x", "-referer:*a* | top b", '-"a phrase"', "-(a OR b)", "-.level:WARN"])
def test_a_query_that_leaves_out_is_no_option(query: str) -> None:
    assert told_apart(["search", query, "-n", "5"]) == ["search", f" {query}", "-n", "5"]


@pytest.mark.parametrize("option", ["-", "-o", "-n5", "--url=http://h:1", "--filter=a:b", "-ojson"])
def test_an_option_stays_one(option: str) -> None:
    assert told_apart([option]) == [option]
