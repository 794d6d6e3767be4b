"""What a deployment hands to a container, and what is wrong with it, whatever language it is written in."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cordwood.cli.app import COMMANDS
from cordwood.config import Config, load, settings_of
from cordwood.errors import ConfigError
from cordwood.http.health import OPERATING
from cordwood.ingest.operations import INGEST
from cordwood.ingest.routes import PATHS
from cordwood.wiring import services

PORTS = {"api": services._API_PORT, "query": services._QUERY_PORT, "worker": services._WORKER_PORT}
API_PATHS = {*PATHS, *(each.path for each in INGEST)}
"""What the api service takes and query does not."""
SETTINGS = frozenset(each.variable for each in settings_of(Config()))
# Variables of the command line, and the one that names a file of settings.
_OTHERS = frozenset({"CORDWOOD_CONFIG", "CORDWOOD_URL", "CORDWOOD_API_KEY"})
# What follows "${" is a variable of Compose's or a shell's, handed to nobody.
_NAME = re.compile(r"(?<!\$\{)\bCORDWOOD_[A-Z0-9_]*[A-Z0-9]\b")
_FROM_FILE = "_FILE"


@dataclass(frozen=True)
class Handed:
    """One container of Cordwood."""

    where: str
    command: Sequence[str]
    settings: Mapping[str, str] = field(default_factory=dict)
    ports: Sequence[int] = ()
    paths: Sequence[str] = ()
    """Where its health is asked."""
    files: Sequence[str] = ()
    """Files that are mounted into it."""
    health: Sequence[str] = ()
    """The command that asks it in the container."""


def is_setting(name: str) -> bool:
    """Whether Cordwood has it, or reads it from a file that CORDWOOD_…_FILE names."""
    return name in SETTINGS or (name.endswith(_FROM_FILE) and name.removesuffix(_FROM_FILE) in SETTINGS)


def unknown_names(files: Iterable[Path]) -> Iterator[str]:
    """Every CORDWOOD_… in the texts, comments too, that Cordwood does not have."""
    for file in files:
        for number, line in enumerate(file.read_text().splitlines(), 1):
            for name in _NAME.findall(line):
                if not is_setting(name) and name not in _OTHERS:
                    yield f"{file.name}:{number}: {name}"


def faults(handed: Handed) -> Iterator[str]:
    """What would keep this container from starting, from being asked, or from being found well."""
    where, service = handed.where, handed.command[0]
    if service not in COMMANDS:
        yield f"{where}: there is no `cordwood {service}`"
    for name in handed.settings:
        if name.startswith("CORDWOOD_") and not is_setting(name):
            yield f"{where}: there is no setting {name}"
    known = {name: value for name, value in handed.settings.items() if name in SETTINGS}
    try:
        load(known, {})
    except ConfigError as error:
        yield f"{where}: {error.message}"
    for name, path in handed.settings.items():
        if name.startswith("CORDWOOD_") and name.endswith(_FROM_FILE) and path not in handed.files:
            yield f"{where}: {name} names {path}, which is not mounted"
    for port in handed.ports:
        if port != PORTS.get(service):
            yield f"{where}: {service} does not listen on {port}"
    for path in handed.paths:
        if path not in OPERATING:
            yield f"{where}: nobody answers at {path}"
    if handed.health and [each for each in handed.health if each != "--alive"] != ["CMD", "cordwood", "ready", service]:
        yield f"{where}: its health is not asked by `cordwood ready {service}`"


def made_secrets(folder: Path) -> set[str]:
    """Names of the files that deploy/secrets.sh made there."""
    return {each.name for each in folder.iterdir()}
