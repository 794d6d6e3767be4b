"""The description of the HTTP API (OpenAPI 3.1), put together from what each room declares beside its routes.

An endpoint is one `Operation`. A schema is a type, described by msgspec (a Struct becomes a component), or a JSON
Schema as a dict.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Literal

import msgspec
from msgspec import Struct
from starlette.routing import BaseRoute, Route

from cordwood import __version__
from cordwood.errors import BadRequest, CordwoodError, Forbidden, HeadTooLarge, Overloaded, Unauthorized, Unavailable
from cordwood.http.problem import CONTENT_TYPE, Problem
from cordwood.tenancy.interface import Scope

Schema = Any
"""A type, or a JSON Schema as a dict."""

_Shape = Callable[[Schema], Any]
"""A schema → how the document shows it."""

JSON = "application/json"
NDJSON = "application/x-ndjson"
CSV = "text/csv"

_EVERYWHERE = (BadRequest, HeadTooLarge, Unavailable)
"""What the listener itself may answer: no HTTP, a head without end, too many connections."""
_SECURITY = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "the key as a bearer token"},
    "basic": {"type": "http", "scheme": "basic", "description": "the key as the password, with any user name"},
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "the key in a header of its own"},
}
_CONVERTER = re.compile(r":\w+}")
_REF = "#/components/schemas/{name}"


class Parameter(Struct, frozen=True, kw_only=True):
    """A value in the address or in a header. One that `is_repeated` may come any number of times."""

    name: str
    about: str
    schema: Schema = str
    where: Literal["query", "path", "header"] = "query"
    is_repeated: bool = False
    is_required: bool = False
    """One in the path always is."""


class Answer(Struct, frozen=True, kw_only=True):
    """An answer that is no error: its content type and the shape of what it holds."""

    about: str
    content: Mapping[str, Schema]


class Operation(Struct, frozen=True, kw_only=True):
    """One method of one path. `scope` is what a key must open; any key will do, or no key is asked for (None)."""

    method: Literal["GET", "POST", "PUT", "DELETE"] = "GET"
    path: str
    name: str
    about: str
    scope: Scope | Literal["any"] | None = None
    parameters: Sequence[Parameter] = ()
    body: Mapping[str, Schema] | None = None
    answers: Mapping[int, Answer]
    errors: Sequence[type[CordwoodError]] = ()


def description(service: str, operations: Iterable[Operation]) -> bytes:
    """The document that a service hands out."""
    operations = list(operations)
    types = [Problem, *(each for operation in operations for each in _types(operation))]
    schemas, components = msgspec.json.schema_components(types, ref_template=_REF)
    # Equal types are described alike; dicts describe themselves.
    known = list(zip(types, schemas, strict=True))
    paths: dict[str, dict[str, object]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, known)
    document = {
        "openapi": "3.1.0",
        "info": {
            "title": f"Cordwood ({service})",
            "version": __version__,
            "description": "Without configured keys, on loopback, no operation asks for one.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {"schemas": components, "securitySchemes": _SECURITY},
    }
    return msgspec.json.encode(document)


def undescribed(raw: Iterable[str], routes: Iterable[BaseRoute], operations: Iterable[Operation]) -> list[str]:
    """What differs between the endpoints that exist and those described; `raw` are paths whose methods only their
    handlers know."""
    raw = set(raw)
    there = {
        f"{method} {_CONVERTER.sub('}', route.path)}"
        for route in routes
        if isinstance(route, Route)
        for method in (route.methods or set()) - {"HEAD"}
    }
    told = {f"{operation.method} {operation.path}" for operation in operations}
    told_paths = {operation.path for operation in operations}
    return sorted(
        {line for line in there ^ told if line.partition(" ")[2] not in raw}
        | {f"* {path}" for path in raw - told_paths}
    )


def _types(operation: Operation) -> list[Schema]:
    schemas = [parameter.schema for parameter in operation.parameters]
    schemas += list((operation.body or {}).values())
    schemas += [schema for answer in operation.answers.values() for schema in answer.content.values()]
    return [schema for schema in schemas if not isinstance(schema, dict)]


def _operation(operation: Operation, known: Sequence[tuple[Schema, Any]]) -> dict[str, object]:
    def shape(schema: Schema) -> Any:
        return schema if isinstance(schema, dict) else next(made for each, made in known if each is schema)

    told: dict[str, object] = {
        "operationId": operation.name,
        "summary": operation.about,
        "security": [] if operation.scope is None else [{name: []} for name in _SECURITY],
        "responses": _responses(operation, shape),
    }
    if operation.parameters:
        told["parameters"] = [_parameter(parameter, shape) for parameter in operation.parameters]
    if operation.body is not None:
        told["requestBody"] = {"required": True, "content": _content(operation.body, shape)}
    return told


def _parameter(parameter: Parameter, shape: _Shape) -> dict[str, object]:
    schema = shape(parameter.schema)
    return {
        "name": parameter.name,
        "in": parameter.where,
        "required": parameter.is_required or parameter.where == "path",
        "description": parameter.about,
        "schema": {"type": "array", "items": schema} if parameter.is_repeated else schema,
    }


def _content(content: Mapping[str, Schema], shape: _Shape) -> dict[str, object]:
    return {media: {"schema": shape(schema)} for media, schema in content.items()}


def _responses(operation: Operation, shape: _Shape) -> dict[str, dict[str, Any]]:
    told: dict[str, dict[str, Any]] = {
        str(status): {"description": answer.about, "content": _content(answer.content, shape)}
        for status, answer in operation.answers.items()
    }
    kinds: set[type[CordwoodError]] = {
        *operation.errors,
        *_EVERYWHERE,
        *([] if operation.scope is None else [Unauthorized, Forbidden]),
    }
    for kind in sorted(kinds, key=lambda kind: (kind.status, kind.label)):
        answer = told.setdefault(str(kind.status), {"description": HTTPStatus(kind.status).phrase, "content": {}})
        answer["content"][CONTENT_TYPE.decode()] = {"schema": shape(Problem)}
        if issubclass(kind, Overloaded | Unavailable):
            answer["headers"] = {"Retry-After": {"description": "seconds to wait", "schema": {"type": "integer"}}}
    return told
