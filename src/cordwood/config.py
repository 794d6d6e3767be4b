"""One typed tree of settings, read once: defaults, then a TOML file, then CORDWOOD_… variables, then options.

A variable may also name a file with the value, for secrets: CORDWOOD_STORE_URL_FILE for CORDWOOD_STORE_URL.

Each room declares its own settings beside the code that obeys them; this module gathers them.
"""

import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit, urlunsplit

import msgspec
from msgspec import Meta, Struct

from cordwood.alerts.settings import AlertSettings
from cordwood.broker.settings import BrokerSettings
from cordwood.cache.settings import CacheSettings
from cordwood.errors import ConfigError
from cordwood.http.settings import HttpSettings
from cordwood.ingest.settings import IngestSettings
from cordwood.logs import LogSettings
from cordwood.query.settings import CanarySettings, QuerySettings
from cordwood.store.settings import StoreSettings
from cordwood.tail.settings import TailSettings
from cordwood.tenancy.settings import TenancySettings
from cordwood.tracing.settings import TracingSettings
from cordwood.worker.settings import WorkerSettings

PREFIX = "CORDWOOD_"
FILE_VARIABLE = "CORDWOOD_CONFIG"
_IN_A_FILE = "_FILE"
_MAX_VALUE_BYTES = 1 << 20
# Variables of the command line's client and of the tests: ours, but no settings of a service.
_NOT_SETTINGS = {FILE_VARIABLE, "CORDWOOD_URL", "CORDWOOD_API_KEY"}
_TEST_PREFIX = "CORDWOOD_TEST_"


class Config(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings of a process."""

    data_dir: Annotated[Path, Meta(description="directory of the embedded parts")] = Path("cordwood-data")
    http: HttpSettings = HttpSettings()
    tenancy: TenancySettings = TenancySettings()
    ingest: IngestSettings = IngestSettings()
    worker: WorkerSettings = WorkerSettings()
    broker: BrokerSettings = BrokerSettings()
    store: StoreSettings = StoreSettings()
    cache: CacheSettings = CacheSettings()
    query: QuerySettings = QuerySettings()
    tail: TailSettings = TailSettings()
    canary: CanarySettings = CanarySettings()
    alerts: AlertSettings = AlertSettings()
    log: LogSettings = LogSettings()
    tracing: TracingSettings = TracingSettings()


class Setting(Struct, frozen=True):
    """One setting, for `cordwood config` and the reference page. `value` never shows a secret."""

    name: str
    variable: str
    value: str
    default: str
    help: str


def load(environ: Mapping[str, str], options: Mapping[str, str]) -> Config:
    """Read all sources. `options` are dotted names and texts, from the command line; they win.

    Raises ConfigError, naming what is wrong and where it stands.
    """
    tree: dict[str, Any] = {}
    if file := environ.get(FILE_VARIABLE):
        tree = _read_file(Path(file))
    for variable, text in environ.items():
        if variable.startswith(PREFIX) and variable not in _NOT_SETTINGS and not variable.startswith(_TEST_PREFIX):
            name, is_in_file = _name_of(variable)
            if is_in_file and _variable(name) in environ:
                raise ConfigError(
                    f"{_variable(name)} and {variable} are both set", hint="unset one of them: either has the value"
                )
            _put(tree, name, _value_in(Path(text), variable) if is_in_file else text)
    for name, text in options.items():
        _put(tree, name, text)
    try:
        return msgspec.convert(tree, Config, strict=False, dec_hook=_decode)
    except msgspec.ValidationError as error:
        raise ConfigError(
            f"wrong setting{_where(error)}", hint="`cordwood config` shows every setting and its form"
        ) from error


def settings_of(config: Config) -> list[Setting]:
    """Every setting with its value, in the order of declaration."""
    defaults = dict(_walk(Config()))
    helps = dict(_helps(Config))
    return [
        Setting(name, _variable(name), _shown(name, value), _shown(name, defaults[name]), helps[name])
        for name, value in _walk(config)
    ]


def redacted(url: str) -> str:
    """A URL without its passwords: in front of the host, and among its options."""
    url = re.sub(r"(?i)([?&][^=&]*password=)[^&]*", r"\1***", url)
    parts = urlsplit(url)
    if parts.password is None:
        return url
    return urlunsplit(parts._replace(netloc=parts.netloc.replace(f":{parts.password}@", ":***@", 1)))


def _read_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text())
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}", hint=f"{FILE_VARIABLE} names this file") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not TOML: {error}") from error


def _value_in(path: Path, variable: str) -> str:
    """What stands in the file that a variable names, without the newline that editors put at its end."""
    try:
        with path.open("rb") as file:
            value = file.read(_MAX_VALUE_BYTES + 1)
        if len(value) > _MAX_VALUE_BYTES:
            raise ConfigError(f"{variable}: {path} has more than {_MAX_VALUE_BYTES} bytes", hint="is it the right one?")
        return value.decode().removesuffix("\r\n" if value.endswith(b"\r\n") else "\n")
    except OSError as error:
        raise ConfigError(
            f"{variable}: cannot read {path}: {error.strerror}", hint="it names a file that holds the setting's value"
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{variable}: {path} is not UTF-8", hint="is it the right one?") from error


def _name_of(variable: str) -> tuple[str, bool]:
    """The setting that a variable gives, and whether it does so by a file."""
    known = {_variable(name): (name, False) for name, _ in _walk(Config())}
    known |= {variable + _IN_A_FILE: (name, True) for variable, (name, _) in known.items()}
    if variable in known:
        return known[variable]
    near = difflib.get_close_matches(variable, known, 1)
    hint = f"did you mean {near[0]}?" if near else "`cordwood config` shows every setting"
    raise ConfigError(f"unknown setting {variable}", hint=hint)


def _variable(name: str) -> str:
    return PREFIX + name.replace(".", "_").upper()


def _where(error: msgspec.ValidationError) -> str:
    """The setting that is wrong, as its table and its variable name it, and why. Not its value: it may be a secret."""
    why, at, path = str(error).rpartition(" - at `$.")
    name = path.rstrip("`")
    return f" {name} ({_variable(name)}): {why}" if at else f": {error}"


def _put(tree: dict[str, Any], name: str, text: str) -> None:
    *rooms, last = name.split(".")
    for room in rooms:
        tree = tree.setdefault(room, {})
    tree[last] = text


def _decode(kind: type, value: object) -> object:
    if kind is Path and isinstance(value, str):
        return Path(value)
    raise TypeError(f"no setting has the type {kind}")


def _walk(node: Struct, prefix: str = "") -> Iterator[tuple[str, object]]:
    for field in node.__struct_fields__:
        value = getattr(node, field)
        if isinstance(value, Struct):
            yield from _walk(value, f"{prefix}{field}.")
        else:
            yield f"{prefix}{field}", value


def _helps(kind: type[Struct], prefix: str = "") -> Iterator[tuple[str, str]]:
    info = msgspec.inspect.type_info(kind)
    assert isinstance(info, msgspec.inspect.StructType), "settings are structs"
    for field in info.fields:
        name = f"{prefix}{field.name}"
        if isinstance(field.type, msgspec.inspect.StructType):
            yield from _helps(field.type.cls, f"{name}.")
        else:
            extra = field.type.extra_json_schema if isinstance(field.type, msgspec.inspect.Metadata) else None
            yield name, (extra or {}).get("description", "")


def _shown(name: str, value: object) -> str:
    if name in ("tenancy.api_keys", "canary.api_key", "store.s3_secret_key", "alerts.smtp_password", "log.api_key"):
        return "***" if value else ""
    text = str(value)
    return (
        redacted(text)
        if name.endswith(".url") or name in ("store.segments_dir", "store.s3_endpoint", "tracing.endpoint", "log.to")
        else text
    )
