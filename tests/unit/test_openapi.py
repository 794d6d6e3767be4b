"""No endpoint without a description, and none described that does not exist."""

import json

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cordwood.errors import NotFound, Overloaded
from cordwood.http.openapi import JSON, Answer, Operation, Parameter, description, undescribed
from cordwood.http.site import Site


async def nothing(request: Request) -> Response:
    return Response()


def operation(path: str, **told) -> Operation:
    return Operation(**{"path": path, "name": "x", "about": "x", "answers": {}} | told)


@pytest.mark.parametrize(
    ("raw", "routes", "operations", "differs"),
    [
        ([], [Route("/a", nothing)], [operation("/a")], []),
        ([], [Route("/a", nothing)], [], ["GET /a"]),
        ([], [], [operation("/a")], ["GET /a"]),
        ([], [Route("/a", nothing, methods=["GET", "DELETE"])], [operation("/a")], ["DELETE /a"]),
        ([], [Route("/a/{id:int}", nothing)], [operation("/a/{id}")], []),
        (["/raw"], [], [operation("/raw", method="POST")], []),
        (["/raw"], [], [], ["* /raw"]),
    ],
)
def test_what_differs_is_named(raw, routes, operations, differs):
    assert undescribed(raw, routes, operations) == differs


def test_a_service_does_not_start_with_an_endpoint_that_is_not_described():
    with pytest.raises(AssertionError, match="GET /new"):
        Site("up", {}, [Route("/new", nothing)], [])


def test_an_operation_becomes_what_openapi_says():
    told = json.loads(
        description(
            "up",
            [
                operation(
                    "/a/{id}",
                    method="DELETE",
                    scope="admin",
                    parameters=(
                        Parameter(name="id", about="its id", where="path"),
                        Parameter(name="filter", about="which", is_repeated=True),
                    ),
                    answers={200: Answer(about="gone", content={JSON: {"type": "null"}})},
                    errors=(NotFound, Overloaded),
                )
            ],
        )
    )
    deleted = told["paths"]["/a/{id}"]["delete"]
    assert [each["required"] for each in deleted["parameters"]] == [True, False]
    assert deleted["parameters"][1]["schema"] == {"type": "array", "items": {"type": "string"}}
    assert deleted["security"] == [{"bearer": []}, {"basic": []}, {"header": []}]
    assert sorted(deleted["responses"]) == ["200", "400", "401", "403", "404", "429", "431", "503"]
    assert "Retry-After" in deleted["responses"]["429"]["headers"]
    assert deleted["responses"]["404"]["content"]["application/problem+json"]["schema"]["$ref"].endswith("/Problem")


def _no_memory() -> Exception:
    error = RuntimeError("a detail that is nobody's business")
    error.__context__ = MemoryError()
    return error


@pytest.mark.parametrize(
    ("fault", "status", "kind"),
    [
        (ValueError("a detail that is nobody's business"), 500, "internal"),
        (MemoryError(), 503, "unavailable"),
        (_no_memory(), 503, "unavailable"),
    ],
)
async def test_a_defect_is_told_as_a_problem_and_no_more(fault: Exception, status: int, kind: str) -> None:
    """Want of memory is no defect of what was asked: senders send it again."""

    async def defect(request: Request) -> Response:
        raise fault

    site = Site("up", {}, [Route("/defect", defect)], [operation("/defect")])
    sent: list[dict] = []

    async def send(message) -> None:
        sent.append(message)

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    scope = {"type": "http", "method": "GET", "path": "/defect", "raw_path": b"/defect", "query_string": b"",
             "headers": [], "root_path": "", "http_version": "1.1", "scheme": "http"}  # fmt: skip
    await site(scope, receive, send)
    assert sent[0]["status"] == status
    assert json.loads(sent[1]["body"])["type"] == f"urn:cordwood:problem:{kind}"
    assert b"business" not in sent[1]["body"]
