"""How the page comes to a browser: small, cached, under a strict policy, beside the API and never in its way."""

import gzip
import http.client
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import cordwood.web
from cordwood.errors import NotFound
from cordwood.web.page import Page
from tests.support.processes import Cordwood

MAX_ZIPPED_BYTES = 350_000
"""Of all files together."""


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cordwood]:
    with Cordwood("up", tmp_path_factory.mktemp("page") / "data") as service:
        yield service


def asked(service: Cordwood, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=30)
    try:
        connection.request(method, path, headers=headers)
        response = connection.getresponse()
        return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
    finally:
        connection.close()


def assets(service: Cordwood) -> list[str]:
    """What the page's first file names."""
    _, _, body = asked(service, "/")
    return re.findall(r'(?:src|href)="(/[^"]+)"', body.decode())


@pytest.mark.parametrize("path", ["/", "/?query=level:error&start=-1h", "/operations", "/dashboards/http", "/alerts"])
def test_every_view_is_the_page(up: Cordwood, path: str) -> None:
    status, headers, body = asked(up, path)
    assert status == 200
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert b"<title>Cordwood</title>" in body


def test_a_query_service_has_the_page_and_an_api_service_has_not(tmp_path: Path) -> None:
    assert Cordwood("migrate", tmp_path / "data").run().returncode == 0
    with Cordwood("query", tmp_path / "data") as query, Cordwood("api", tmp_path / "data") as api:
        assert asked(query, "/")[0] == 200
        assert asked(api, "/")[0] == 404


def test_the_page_may_load_nothing_but_its_own_files(up: Cordwood) -> None:
    _, headers, body = asked(up, "/")
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert headers["x-content-type-options"] == "nosniff"
    assert not re.search(rb"<script(?![^>]*src=)|<style|style=|https?://", body)


def test_what_has_a_hash_in_its_name_is_kept_for_ever_and_the_rest_is_asked_for_again(up: Cordwood) -> None:
    assert asked(up, "/")[1]["cache-control"] == "no-cache"
    named = [path for path in assets(up) if path.startswith("/assets/")]
    assert named
    for path in named:
        status, headers, _ = asked(up, path)
        assert (status, headers["cache-control"]) == (200, "public, max-age=31536000, immutable")


def test_files_are_compressed_for_who_understands_it(up: Cordwood) -> None:
    path = next(path for path in assets(up) if path.endswith(".js"))
    _, plain_headers, plain = asked(up, path)
    _, headers, zipped = asked(up, path, **{"Accept-Encoding": "gzip, br"})
    assert "content-encoding" not in plain_headers
    assert headers["content-encoding"] == "gzip"
    assert headers["vary"] == "accept-encoding"
    assert gzip.decompress(zipped) == plain
    assert len(zipped) < len(plain) / 2


@pytest.mark.parametrize("spelt", ["{}", "W/{}", '"other", {}', "*"])
def test_a_file_that_is_known_is_not_sent_again(up: Cordwood, spelt: str) -> None:
    etag = asked(up, "/")[1]["etag"]
    status, headers, body = asked(up, "/", **{"If-None-Match": spelt.format(etag)})
    assert (status, headers["etag"], body) == (304, etag, b"")
    assert asked(up, "/", **{"If-None-Match": '"other"'})[0] == 200


def test_head_tells_without_a_body_and_other_methods_are_refused(up: Cordwood) -> None:
    status, headers, body = asked(up, "/", "HEAD")
    assert (status, body) == (200, b"")
    assert int(headers["content-length"]) > 100
    assert asked(up, "/", "POST")[0] == 405


@pytest.mark.parametrize(
    "path", ["/assets/none.js", "/assets/../page.py", "/favicon.ico", "//operations", "/assets/%2e%2e/page.py"]
)
def test_a_file_that_is_not_there_is_a_problem(up: Cordwood, path: str) -> None:
    status, headers, _ = asked(up, path)
    assert (status, headers["content-type"]) == (404, "application/problem+json")


def test_all_that_a_browser_loads_is_small(up: Cordwood) -> None:
    files = [file for file in (Path(cordwood.web.__file__).parent / "dist").rglob("*") if file.is_file()]
    zipped = {file.name: len(gzip.compress(file.read_bytes(), 9)) for file in files}
    assert sum(zipped.values()) <= MAX_ZIPPED_BYTES, zipped


async def test_an_installation_without_the_page_says_how_to_get_it(tmp_path: Path) -> None:
    async def never(*_: object) -> None:
        raise AssertionError("nothing is sent")

    with pytest.raises(NotFound, match="the page has no /") as refused:
        await Page(tmp_path / "none")({"path": "/", "method": "GET", "headers": []}, never, never)  # type: ignore[arg-type]
    assert "make page" in refused.value.hint
