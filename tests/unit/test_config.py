"""Where settings come from."""

from pathlib import Path

import pytest

from cordwood.config import Config, load, settings_of
from cordwood.errors import ConfigError

URL = "postgresql://cordwood:s3cret@database/logs"


def test_every_setting_may_stand_in_a_file(tmp_path: Path) -> None:
    for setting in settings_of(Config()):
        file = tmp_path / setting.name
        file.write_text(f"{setting.default}\n")
        assert load({f"{setting.variable}_FILE": str(file)}, {}) == Config()


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (URL, URL),
        (f"{URL}\n", URL),
        (f"{URL}\r\n", URL),
        (f"{URL}\n\n", f"{URL}\n"),
        (f" {URL} ", f" {URL} "),
        (f"{URL}\r", f"{URL}\r"),
        ("", ""),
    ],
)
def test_one_newline_at_the_end_is_left_out(tmp_path: Path, content: str, value: str) -> None:
    file = tmp_path / "url"
    file.write_bytes(content.encode())
    assert load({"CORDWOOD_STORE_URL_FILE": str(file)}, {}).store.url == value


def test_both_forms_of_a_setting_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "url").write_text(URL)
    both = {"CORDWOOD_STORE_URL": "file:", "CORDWOOD_STORE_URL_FILE": str(tmp_path / "url")}
    for environ in (both, dict(reversed(both.items()))):
        with pytest.raises(ConfigError, match="CORDWOOD_STORE_URL and CORDWOOD_STORE_URL_FILE are both set"):
            load(environ, {})


def test_a_file_wins_over_the_table_and_an_option_over_both(tmp_path: Path) -> None:
    (tmp_path / "port").write_text("2\n")
    (tmp_path / "config.toml").write_text("[http]\nport = 1\n")
    environ = {"CORDWOOD_CONFIG": str(tmp_path / "config.toml"), "CORDWOOD_HTTP_PORT_FILE": str(tmp_path / "port")}
    assert load(environ, {}).http.port == 2
    assert load(environ, {"http.port": "3"}).http.port == 3


@pytest.mark.parametrize(
    ("content", "says"),
    [(None, "No such file"), (b"\xff\xfe", "not UTF-8"), (b"x" * (1 << 20) + b"y", "more than 1048576 bytes")],
)
def test_a_file_that_cannot_be_read_is_named_with_its_variable(
    tmp_path: Path, content: bytes | None, says: str
) -> None:
    file = tmp_path / "url"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigError, match=says) as caught:
        load({"CORDWOOD_STORE_URL_FILE": str(file)}, {})
    assert "CORDWOOD_STORE_URL_FILE" in caught.value.message
    assert str(file) in caught.value.message


def test_a_directory_is_no_value(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="directory"):
        load({"CORDWOOD_STORE_URL_FILE": str(tmp_path)}, {})


def test_an_unknown_name_is_told_what_is_near() -> None:
    with pytest.raises(ConfigError) as caught:
        load({"CORDWOOD_STORE_URI_FILE": "/nowhere"}, {})
    assert caught.value.hint == "did you mean CORDWOOD_STORE_URL_FILE?"


def test_a_value_out_of_a_file_is_not_shown(tmp_path: Path) -> None:
    (tmp_path / "url").write_text(URL)
    (tmp_path / "keys").write_text("a-key-of-sixteen-letters")
    config = load(
        {"CORDWOOD_STORE_URL_FILE": str(tmp_path / "url"), "CORDWOOD_TENANCY_API_KEYS_FILE": str(tmp_path / "keys")}, {}
    )
    shown = {setting.name: setting.value for setting in settings_of(config)}
    assert shown["store.url"] == "postgresql://cordwood:***@database/logs"
    assert shown["tenancy.api_keys"] == "***"
