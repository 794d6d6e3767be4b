"""What exists is documented, and what is documented exists."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from cordwood.cli.app import COMMANDS, app_of
from cordwood.errors import CordwoodError
from cordwood.model.event import LEVEL_NAMES, MESSAGE_NAMES, SERVICE_NAMES, TIMESTAMP_NAMES
from tests.support.pages import PAGES, REFERENCE

ROOT = REFERENCE.parents[1]


@pytest.mark.parametrize(("name", "page"), PAGES.items())
def test_generated_pages_are_up_to_date(name: str, page: Callable[[], str]) -> None:
    assert (REFERENCE / name).read_text() == page(), "run `python -m tests.support.pages`"


def test_every_link_leads_somewhere() -> None:
    for document in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("bench/*.md")]:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text()):
            assert (document.parent / target).exists(), f"{document.name} links to {target}"


def _subclasses(kind: type[CordwoodError]) -> list[type[CordwoodError]]:
    """Those that the services raise; the client's own speak to a terminal."""
    children = [child for child in kind.__subclasses__() if not child.__module__.startswith("cordwood.client")]
    return [each for child in children for each in (child, *_subclasses(child))]


def test_every_error_declares_how_it_is_answered() -> None:
    page = (REFERENCE / "http.md").read_text()
    for kind in _subclasses(CordwoodError):
        assert kind.status in range(400, 600)
        assert "status" in vars(kind), f"{kind.__name__} declares its status"
        assert "label" in vars(kind), f"{kind.__name__} declares its label"
        if kind.label not in ("disconnected", "refused", "config"):  # these never go out as an answer
            assert f"`{kind.label}`" in page


def test_every_derived_name_is_documented() -> None:
    page = (REFERENCE / "events.md").read_text()
    for name in (*TIMESTAMP_NAMES, *LEVEL_NAMES, *SERVICE_NAMES, *MESSAGE_NAMES):
        assert f"`{name}`" in page


def test_every_command_is_in_the_readme_or_the_docs() -> None:
    pages = [page for page in ROOT.glob("docs/**/*.md") if page.name != "cli.md"]
    told = "".join(page.read_text() for page in [ROOT / "README.md", *pages])
    app = app_of(list(COMMANDS))
    for command in app.registered_commands:
        assert command.callback is not None
        assert f"cordwood {command.name or command.callback.__name__}" in told
    for group in app.registered_groups:
        assert group.typer_instance is not None
        for command in group.typer_instance.registered_commands:
            assert command.callback is not None
            assert f"cordwood {group.name} {command.name or command.callback.__name__}" in told


def test_the_picture_shows_rooms_that_exist() -> None:
    readme = (ROOT / "README.md").read_text()
    picture = readme[readme.index("```mermaid") : readme.index("```", readme.index("```mermaid") + 3)]
    rooms = re.findall(r"(\w+)/\]", picture)
    assert sorted(rooms) == ["ingest", "query", "worker"]
    for room in (*rooms, "broker", "store", "cache"):
        assert (ROOT / "src" / "cordwood" / room).is_dir()
    for part in ("broker/sqlite.py", "broker/rabbitmq.py", "store/segments", "store/postgres", "cache/memory.py"):
        assert (ROOT / "src" / "cordwood" / part).exists()
    assert Path(ROOT / "LICENSE").exists()
