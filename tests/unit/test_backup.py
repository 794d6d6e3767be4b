"""Backups of a store and a queue that are as small as can be, and change while they are copied."""

import contextlib
import hashlib
import itertools
import random
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from cordwood.backup import manifest as manifests
from cordwood.backup import taking
from cordwood.backup.manifest import Manifest
from cordwood.backup.parts import Embedded, Fault, Named, Step
from cordwood.backup.restoring import restore
from cordwood.backup.taking import take
from cordwood.clock import SystemClock
from cordwood.db.sqlite_copy import Moment
from cordwood.errors import ConfigError, Corrupt, Unavailable


class Small:
    """A queue of numbers, and a store that has numbers and files."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "store").mkdir(parents=True)
        self.queue, self.catalog = root / "queue.sqlite", root / "store" / "catalog.sqlite"
        for path, tables in ((self.queue, "held (n)"), (self.catalog, "held (n); CREATE TABLE files (path)")):
            with closing(self.open(path)) as made:
                made.execute("PRAGMA journal_mode = WAL")
                made.executescript(f"CREATE TABLE {tables}")

    def open(self, path: Path) -> sqlite3.Connection:
        return sqlite3.connect(path, isolation_level=None, timeout=30)

    def numbers(self, path: Path) -> list[int]:
        with closing(self.open(path)) as connection:
            return [n for (n,) in connection.execute("SELECT n FROM held")]

    def add_file(self, name: str) -> None:
        (self.root / "store" / name).write_bytes(name.encode() * 100)
        with closing(self.open(self.catalog)) as catalog:
            catalog.execute("INSERT INTO files VALUES (?)", (name,))

    def remove_file(self, name: str) -> None:
        with closing(self.open(self.catalog)) as catalog:
            catalog.execute("DELETE FROM files WHERE path = ?", (name,))
        (self.root / "store" / name).unlink()

    def named_in(self, catalog: Path) -> list[Named]:
        with closing(self.open(catalog)) as connection:
            paths = [path for (path,) in connection.execute("SELECT path FROM files ORDER BY path")]
        return [_named(path) for path in paths]

    def parts(self, named_in: Callable[[Path], list[Named]] | None = None) -> Embedded:
        return Embedded(
            queue=self.queue,
            catalog=self.catalog,
            files=self.root / "store",
            books={"keys.sqlite": self.root / "keys.sqlite"},
            named_in=named_in or self.named_in,
        )


def _named(path: str) -> Named:
    content = path.encode() * 100
    return Named(path, len(content), 1, hashlib.blake2b(content, digest_size=16).digest())


def taken(
    small: Small,
    target: Path,
    named_in: Callable[[Path], list[Named]] | None = None,
    tell: Callable[[Step], None] = lambda step: None,
    *,
    is_linked: bool = False,
) -> tuple[Manifest, list[Fault]]:
    return take(small.parts(named_in), target, "1", SystemClock(), tell, is_linked=is_linked)


def files_in(target: Path) -> list[str]:
    return sorted(path.name for path in (target / "store").iterdir() if path.suffix == ".parquet")


@pytest.fixture
def small(tmp_path: Path) -> Small:
    return Small(tmp_path / "data")


@pytest.fixture
def moving(small: Small) -> Iterator[Small]:
    """Numbers come into the queue one after the other, and go from there to the store in any order, as batches do."""
    stop = threading.Event()

    def publish() -> None:
        with closing(small.open(small.queue)) as queue:
            for n in itertools.count(1):
                if stop.is_set():
                    return
                queue.execute("INSERT INTO held VALUES (?)", (n,))

    def store() -> None:
        chance = random.Random(1)
        with closing(small.open(small.queue)) as queue, closing(small.open(small.catalog)) as catalog:
            while not stop.is_set():
                for (n,) in sorted(
                    queue.execute("SELECT n FROM held LIMIT 20").fetchall(), key=lambda _: chance.random()
                ):
                    catalog.execute("INSERT INTO held VALUES (?)", (n,))
                    queue.execute("DELETE FROM held WHERE n = ?", (n,))

    threads = [threading.Thread(target=each) for each in (publish, store)]
    for thread in threads:
        thread.start()
    yield small
    stop.set()
    for thread in threads:
        thread.join()


def test_what_was_accepted_is_in_the_queue_or_in_the_store_at_every_moment(moving: Small, tmp_path: Path) -> None:
    for number in range(5):
        target = tmp_path / f"backup-{number}"
        before = max([0, *moving.numbers(moving.queue)])
        taken(moving, target)
        held = {*moving.numbers(target / "queue.sqlite"), *moving.numbers(target / "store" / "catalog.sqlite")}
        assert held == set(range(1, len(held) + 1)), "none is missing between others"
        assert len(held) >= before, "none that came before is missing"


def test_the_queue_and_the_store_are_copied_as_they_are_at_one_moment(
    small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Meddled(Moment):
        """Between the queue and the store, two numbers come, and the second is stored first."""

        def __init__(self, path: Path) -> None:
            if path == small.catalog:
                with closing(small.open(small.queue)) as queue, closing(small.open(small.catalog)) as catalog:
                    queue.execute("PRAGMA busy_timeout = 0")
                    with contextlib.suppress(sqlite3.OperationalError):
                        queue.execute("INSERT INTO held VALUES (1), (2)")
                        catalog.execute("INSERT INTO held VALUES (2)")
            super().__init__(path)

    monkeypatch.setattr(taking, "Moment", Meddled)
    taken(small, tmp_path / "backup")
    assert small.numbers(tmp_path / "backup" / "store" / "catalog.sqlite") == []


def test_a_file_that_is_merged_away_before_the_moment_is_not_missed(small: Small, tmp_path: Path) -> None:
    for name in ("a.parquet", "b.parquet"):
        small.add_file(name)

    def merge(step: Step) -> None:
        if step.files == 1 and (small.root / "store" / "b.parquet").exists():
            small.remove_file("a.parquet")
            small.remove_file("b.parquet")
            small.add_file("c.parquet")

    _, faults = taken(small, tmp_path / "backup", tell=merge)
    assert not faults
    assert files_in(tmp_path / "backup") == ["c.parquet"]


def test_a_file_that_is_merged_away_after_the_moment_asks_for_another(small: Small, tmp_path: Path) -> None:
    target = tmp_path / "backup"
    small.add_file("a.parquet")
    looks = itertools.count()

    def named_in(catalog: Path) -> list[Named]:
        found = small.named_in(catalog)
        match next(looks):
            case 0:
                small.add_file("b.parquet")
            case 1:
                assert catalog == target / "store" / "catalog.sqlite"
                small.remove_file("b.parquet")
                small.add_file("c.parquet")
        return found

    manifest, faults = taken(small, target, named_in)
    assert not faults
    assert [kept.path for kept in manifest.files] == ["store/a.parquet", "store/c.parquet"]
    assert files_in(target) == ["a.parquet", "c.parquet"]


def test_files_that_go_faster_than_they_are_copied_are_said_to_be(small: Small, tmp_path: Path) -> None:
    names = (f"{n}.parquet" for n in itertools.count())
    small.add_file(last := next(names))

    def named_in(catalog: Path) -> list[Named]:
        nonlocal last
        found = small.named_in(catalog)
        small.remove_file(last)
        small.add_file(last := next(names))
        return found

    with pytest.raises(Unavailable, match="went away 8 times"):
        taken(small, tmp_path / "backup", named_in)
    with pytest.raises(ConfigError, match="no complete backup"):
        manifests.read(tmp_path / "backup")


@pytest.mark.parametrize("how", ["flipped", "gone"])
def test_what_is_damaged_is_told_and_the_rest_is_copied(small: Small, tmp_path: Path, how: str) -> None:
    for name in ("a.parquet", "b.parquet"):
        small.add_file(name)
    victim = small.root / "store" / "a.parquet"
    if how == "gone":
        victim.unlink()
    else:
        victim.write_bytes(victim.read_bytes()[:-1] + b"x")
    manifest, faults = taken(small, tmp_path / "backup")
    assert [(fault.path, fault.kind) for fault in faults] == [("a.parquet", "missing" if how == "gone" else "damaged")]
    again = restore(manifest, tmp_path / "backup", tmp_path / "new", lambda step: None)
    assert [fault.path for fault in again] == ([] if how == "gone" else ["store/a.parquet"])
    assert (tmp_path / "new" / "store" / "b.parquet").exists()


def test_linked_files_take_no_room_and_are_copied_when_restored(small: Small, tmp_path: Path) -> None:
    small.add_file("a.parquet")
    original = small.root / "store" / "a.parquet"
    manifest, _ = taken(small, tmp_path / "backup", is_linked=True)
    assert (tmp_path / "backup" / "store" / "a.parquet").samefile(original)
    restore(manifest, tmp_path / "backup", tmp_path / "new", lambda step: None)
    assert (tmp_path / "new" / "store" / "a.parquet").read_bytes() == original.read_bytes()
    assert not (tmp_path / "new" / "store" / "a.parquet").samefile(original)


def test_permissions_stay(small: Small, tmp_path: Path) -> None:
    small.queue.chmod(0o600)
    manifest, _ = taken(small, tmp_path / "backup")
    assert (tmp_path / "backup").stat().st_mode & 0o777 == 0o700
    restore(manifest, tmp_path / "backup", tmp_path / "new", lambda step: None)
    assert (tmp_path / "new" / "queue.sqlite").stat().st_mode & 0o777 == 0o600


def test_a_damaged_database_is_not_restored(small: Small, tmp_path: Path) -> None:
    manifest, _ = taken(small, tmp_path / "backup")
    path = tmp_path / "backup" / "queue.sqlite"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(Corrupt, match=r"queue\.sqlite"):
        restore(manifest, tmp_path / "backup", tmp_path / "new", lambda step: None)
    assert [each.name for each in (tmp_path / "new").iterdir()] == [".restoring"]


def test_an_interrupted_restore_begins_anew(small: Small, tmp_path: Path) -> None:
    small.add_file("a.parquet")
    manifest, _ = taken(small, tmp_path / "backup")

    def interrupt(step: Step) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        restore(manifest, tmp_path / "backup", tmp_path / "new", interrupt)
    assert [each.name for each in (tmp_path / "new").iterdir()] == [".restoring"]
    assert restore(manifest, tmp_path / "backup", tmp_path / "new", lambda step: None) == []
    assert sorted(each.name for each in (tmp_path / "new").iterdir()) == ["queue.sqlite", "store"]


def test_a_directory_that_holds_something_is_neither_written_nor_restored_to(small: Small, tmp_path: Path) -> None:
    manifest, _ = taken(small, tmp_path / "backup")
    with pytest.raises(ConfigError, match="is not empty"):
        taken(small, tmp_path / "backup")
    with pytest.raises(ConfigError, match=r"is not empty: it holds queue\.sqlite"):
        restore(manifest, tmp_path / "backup", small.root, lambda step: None)
    with pytest.raises(ConfigError, match="within the store"):
        taken(small, small.root / "store" / "backup")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"{", "is damaged"),
        (b'{"format":2,"cordwood":"9","taken_at":"","databases":[],"files":[]}', "has format 2"),
        (
            b'{"format":1,"cordwood":"1","taken_at":"","databases":[],"files":[{"path":"../x","bytes":0,"digest":""}]}',
            "outside",
        ),
        (
            b'{"format":1,"cordwood":"1","taken_at":"","databases":[{"path":"/x","bytes":0,"digest":""}],"files":[]}',
            "outside",
        ),
    ],
)
def test_what_is_no_backup_is_refused(tmp_path: Path, text: bytes, says: str) -> None:
    (tmp_path / "backup.json").write_bytes(text)
    with pytest.raises(ConfigError, match=says):
        manifests.read(tmp_path)
