"""Terraform's files as data, and where a name in them leads nowhere.

It is what `terraform validate` says, as far as that goes without providers.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import hcl2

TERRAFORM = Path(__file__).parents[2] / "deploy" / "terraform"
MODULES = ("aws", "docker")
EXAMPLES = tuple(sorted(each.name for each in (TERRAFORM / "examples").iterdir() if each.is_dir()))

Block = Mapping[str, Any]
_LABELS = {"variable": 1, "output": 1, "module": 1, "provider": 1, "resource": 2, "data": 2}
_META = frozenset({"source", "version", "providers", "count", "for_each", "depends_on"})


@dataclass(frozen=True)
class Module:
    """All .tf files of a directory. Blocks are found by kind and labels, joined by dots."""

    path: Path
    blocks: Mapping[str, Mapping[str, Block]]
    locals: Mapping[str, Any]
    text: str

    def of(self, kind: str) -> Mapping[str, Block]:
        return self.blocks.get(kind, {})


@cache
def module(path: Path) -> Module:
    """Read once in a process: the parser takes its time."""
    blocks: dict[str, dict[str, Block]] = {}
    named: dict[str, Any] = {}
    files = sorted(path.glob("*.tf"))
    for file in files:
        for kind, found in _plain(hcl2.loads(file.read_text())).items():
            for block in found:
                if kind == "locals":
                    named |= block
                    continue
                labels: list[str] = []
                for _ in range(_LABELS.get(kind, 0)):
                    ((label, block),) = block.items()
                    labels.append(label)
                blocks.setdefault(kind, {})[".".join(labels)] = block
    return Module(path, blocks, named, "\n".join(without_comments(file.read_text()) for file in files))


def without_comments(text: str) -> str:
    """Lines whose first sign begins a comment are none of the program's."""
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))


def lost(found: Module, text: str) -> Iterator[str]:
    """Names in `text` that the module does not declare."""
    for name in re.findall(r"\bvar\.(\w+)", text):
        if name not in found.of("variable"):
            yield f"var.{name}"
    for name in re.findall(r"\blocal\.(\w+)", text):
        if name not in found.locals:
            yield f"local.{name}"
    for is_data, kind, name in re.findall(r"(data\.)?\b((?:aws|docker|random)_\w+)\.(\w+)", text):
        if f"{kind}.{name}" not in found.of("data" if is_data else "resource"):
            yield f"{is_data}{kind}.{name}"


def faults_of_call(call: Block, called: Module) -> Iterator[str]:
    """What a module block says that the module does not take, or leaves out that it needs."""
    for name in call:
        if name not in called.of("variable") and name not in _META:
            yield f"{called.path.name} takes no {name}"
    for name, variable in called.of("variable").items():
        if "default" not in variable and name not in call:
            yield f"{called.path.name} needs {name}"


def _plain(value: Any) -> Any:
    """Without the parser's marks, and texts without their quotes."""
    if isinstance(value, dict):
        return {_plain(key): _plain(each) for key, each in value.items() if not key.startswith("__")}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, str) and len(value) > 1 and value[0] == value[-1] == '"':
        return value[1:-1].replace('\\"', '"')
    return value
