"""A command that asks the wrong server, or in the wrong way, is told so, and what would be right."""

import socket
import threading
from pathlib import Path

from tests.support.certificates import Authority
from tests.support.processes import Cordwood
from tests.support.servers import free_port


def told(server: Cordwood, *command: str) -> str:
    """What a command that must fail says."""
    done = server.run(*command)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    return done.stderr


def test_the_api_service_says_who_answers_questions(tmp_path: Path) -> None:
    with Cordwood("api", tmp_path / "data") as api:
        assert "this is the api service: the query service" in told(api, "search", "--url", api.url)
        assert b"has answers and the page" in api.get("/")[1]


def test_the_query_service_says_who_takes_logs(tmp_path: Path) -> None:
    assert Cordwood("migrate", tmp_path / "data").run().returncode == 0
    with Cordwood("query", tmp_path / "data") as query:
        status, body = query.post("/log", b"{}")
        assert (status, b"this is the query service: the api service" in body) == (404, True)


def test_a_command_without_a_key_hears_how_to_give_one(tmp_path: Path) -> None:
    with Cordwood("up", tmp_path / "data", tenancy_api_keys="the-right-key-of-this-test") as up:
        assert "--api-key or CORDWOOD_API_KEY" in told(up, "search", "--url", up.url)


def test_tls_is_asked_of_who_does_not_speak_it(tmp_path: Path) -> None:
    with Cordwood("up", tmp_path / "data") as up:
        assert "the address begins with http://" in told(up, "search", "--url", up.url.replace("http:", "https:"))


def test_a_certificate_that_is_not_trusted_here(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    issued = authority.issue()
    up = Cordwood("up", tmp_path / "data", http_tls_cert=str(issued.cert), http_tls_key=str(issued.key))
    up.trust = authority.trusted()
    with up:
        assert "SSL_CERT_FILE names a file of authorities" in told(up, "search", "--url", up.url)


def test_a_server_that_hangs_up(tmp_path: Path) -> None:
    """As one that speaks TLS only does when it is asked in plain text, or one that is killed."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def hang_up() -> None:
            connection, _ = listener.accept()
            connection.recv(65_536)
            connection.close()

        threading.Thread(target=hang_up, daemon=True).start()
        said = told(
            Cordwood("up", tmp_path / "data"), "search", "--url", f"http://127.0.0.1:{listener.getsockname()[1]}"
        )
    assert "the connection broke (Remote end closed connection without response)" in said


def test_a_command_does_not_promise_to_try_again(tmp_path: Path) -> None:
    nobody = Cordwood("migrate", tmp_path / "data", store_url=f"postgresql://postgres@127.0.0.1:{free_port()}/x")
    assert "see that it runs, and that store.url is right" in told(nobody, "migrate")
