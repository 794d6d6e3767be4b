"""The reference of Terraform's modules, from their files."""

import re
from collections.abc import Iterator

from tests.deploy.hcl import MODULES, TERRAFORM, Block, module

_TITLES = {"aws": "AWS", "docker": "One Docker host"}
_INTRO = """# Terraform: variables and outputs

Of the modules in `deploy/terraform`, as their files say it. How they are used: [Terraform](../guide/terraform.md)."""


def terraform_page() -> str:
    return "\n".join([_INTRO, *(line for name in MODULES for line in _lines(name)), ""])


def _lines(name: str) -> Iterator[str]:
    found = module(TERRAFORM / name)
    yield from (
        "",
        f"## {_TITLES[name]}: `deploy/terraform/{name}`",
        "",
        "| variable | type | default | meaning |",
        "| --- | --- | --- | --- |",
    )
    for variable, block in found.of("variable").items():
        yield f"| `{variable}` | {_type(block)} | {_default(block)} | {_cell(block['description'])} |"
    yield from ("", "| output | meaning |", "| --- | --- |")
    for output, block in found.of("output").items():
        yield f"| `{output}` | {_cell(block['description'])} |"


def _type(variable: Block) -> str:
    return re.split(r"\W", str(variable["type"]).removeprefix("${"))[0]


def _default(variable: Block) -> str:
    """Of an object, what each of its fields is unless it is set."""
    if "default" not in variable:
        return "required"
    fields = re.findall(r"(\w+) = optional\(\w+, ([^)]*)\)", str(variable["type"]))
    if fields:
        return ", ".join(f"`{field} = {value}`" for field, value in fields)
    value = variable["default"]
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, str):
        return f'`"{value}"`'
    return f"`{value}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
