"""Copies of files: bounded, made once for all who ask, and never taken from under somebody who reads."""

import threading
from pathlib import Path

import pytest

from cordwood.clock import SystemClock
from cordwood.store.shared.copies import Copies

DAY_US = 86_400_000_000


def put(copies: Copies, root: Path, name: str, size_bytes: int) -> None:
    (root / name).write_bytes(bytes(size_bytes))
    copies.add(name, size_bytes, is_kept=True)


def there(root: Path) -> set[str]:
    return {path.name for path in root.rglob("*.parquet")}


def test_the_least_lately_used_go_first(tmp_path: Path) -> None:
    copies = Copies(tmp_path, 30)
    for name in ("a.parquet", "b.parquet", "c.parquet"):
        put(copies, tmp_path, name, 10)
    assert copies.has("a.parquet")
    put(copies, tmp_path, "d.parquet", 10)
    assert there(tmp_path) == {"a.parquet", "c.parquet", "d.parquet"}
    assert copies.bytes == 30


def test_what_is_held_stays_until_it_is_released(tmp_path: Path) -> None:
    copies = Copies(tmp_path, 20)
    copies.hold(["a.parquet", "b.parquet", "c.parquet"], is_kept=True)
    copies.hold(["a.parquet"], is_kept=True)
    for name in ("a.parquet", "b.parquet", "c.parquet"):
        put(copies, tmp_path, name, 10)
    assert copies.bytes == 30, "although it is too much"
    copies.release(["a.parquet", "b.parquet", "c.parquet"])
    assert there(tmp_path) == {"a.parquet", "c.parquet"}
    put(copies, tmp_path, "d.parquet", 10)
    assert there(tmp_path) == {"a.parquet", "d.parquet"}
    copies.release(["a.parquet"])
    put(copies, tmp_path, "e.parquet", 10)
    assert there(tmp_path) == {"d.parquet", "e.parquet"}


def test_what_is_not_to_be_kept_goes_with_its_hold(tmp_path: Path) -> None:
    copies = Copies(tmp_path, 100)
    put(copies, tmp_path, "kept.parquet", 10)
    copies.hold(["kept.parquet", "new.parquet"], is_kept=False)
    (tmp_path / "new.parquet").write_bytes(bytes(10))
    copies.ensure("new.parquet", 10, lambda: None)
    assert copies.has("new.parquet")
    copies.release(["kept.parquet", "new.parquet"])
    assert there(tmp_path) == {"kept.parquet"}


def test_it_is_made_once_for_all_who_ask(tmp_path: Path) -> None:
    copies = Copies(tmp_path, 100)
    made: list[int] = []
    may_go_on = threading.Event()

    def make() -> None:
        made.append(1)
        assert may_go_on.wait(10)
        (tmp_path / "a.parquet").write_bytes(bytes(10))

    copies.hold(["a.parquet"], is_kept=True)
    threads = [threading.Thread(target=copies.ensure, args=("a.parquet", 10, make)) for _ in range(4)]
    for thread in threads:
        thread.start()
    may_go_on.set()
    for thread in threads:
        thread.join(10)
    assert made == [1]
    assert copies.bytes == 10


def test_a_failure_is_told_and_tried_again(tmp_path: Path) -> None:
    copies = Copies(tmp_path, 100)

    def fail() -> None:
        raise FileNotFoundError("no")

    for _ in range(2):
        with pytest.raises(FileNotFoundError):
            copies.ensure("a.parquet", 10, fail)
    assert not copies.has("a.parquet")


def test_what_is_found_is_bounded_and_not_trusted(tmp_path: Path) -> None:
    for name in ("a.parquet", "b.parquet", "c.parquet"):
        (tmp_path / name).write_bytes(bytes(10))
    copies = Copies(tmp_path, 20)
    assert len(there(tmp_path)) == 2
    assert not any(copies.has(name) for name in there(tmp_path))


def test_empty_directories_of_the_past_go(tmp_path: Path) -> None:
    now_us = SystemClock().now_us()
    old, new = tmp_path / "tenant=a/date=2020-01-01/hour=05", tmp_path / "tenant=a/date=9999-01-01/hour=05"
    for each in (old, new):
        each.mkdir(parents=True)
    Copies(tmp_path, 20).tidy(now_us)
    assert not old.parent.exists()
    assert new.exists()


def test_what_nobody_uses_goes_after_a_day(tmp_path: Path) -> None:
    now = [1e9]
    copies = Copies(tmp_path, 1000, lambda: now[0])
    for name in ("used.parquet", "unused.parquet", "held.parquet"):
        put(copies, tmp_path, name, 10)
    copies.hold(["held.parquet"], is_kept=True)
    now[0] += 80_000
    assert copies.has("used.parquet")
    now[0] += 10_000
    copies.drop_unused()
    assert there(tmp_path) == {"used.parquet", "held.parquet"}
