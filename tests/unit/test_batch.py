"""Batches, ids and receipts: what travels reads back, and damage is noticed."""

import subprocess
import sys
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from cordwood.clock import SystemClock
from cordwood.errors import BadRequest, Corrupt
from cordwood.model.batch import Batch, batch_of, event_id, expanded
from cordwood.model.receipt import Part, Receipt, parse_receipt
from cordwood.model.tenant import tenant
from cordwood.model.zstd import ZstdError, memory_told_apart
from tests.support.builders import batch


def test_a_batch_reads_back() -> None:
    assert expanded(batch([{"n": 1}, {"n": 2}])) == b'{"n":1}\n{"n":2}\n'


@pytest.mark.parametrize(
    "damaged",
    [
        lambda made: Batch(made.header, made.body[:-2]),
        lambda made: Batch(made.header, b"no zstd"),
        lambda made: Batch(made.header, b""),
        lambda made: Batch(replace(made.header, events=3), made.body),
        lambda made: Batch(replace(made.header, size_bytes=5), made.body),
        lambda made: Batch(replace(made.header, version=99), made.body),
    ],
)
def test_damage_is_noticed(damaged: object) -> None:
    assert callable(damaged)
    with pytest.raises(Corrupt):
        expanded(damaged(batch([{"n": 1}, {"n": 2}])))


_WITHOUT_MEMORY = """
import resource, sys, zlib
from pathlib import Path
import numpy
from cordwood.errors import CordwoodError
from cordwood.http.inflate import inflate
from cordwood.model.batch import compressed, expanded
from tests.support.builders import batch

made = batch([{"n": "x" * 1000}] * 10_000)
assert len(expanded(made)) > 10_000_000
zstd, gzip = compressed(b"x" * 50_000_000), zlib.compress(b"x" * 50_000_000, wbits=31)
asked = {"batch": lambda: expanded(made), "zstd": lambda: inflate(zstd, "zstd", 1 << 30),
         "gzip": lambda: inflate(gzip, "gzip", 1 << 30)}[sys.argv[1]]
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used, resource.RLIM_INFINITY))
held = []
if sys.argv[2] == "all":
    try:
        while True:
            held.append(bytearray(20_000))
    except MemoryError:
        held.pop()
try:
    asked()
except MemoryError:
    held.clear()
    print("no memory")
except CordwoodError as error:
    held.clear()
    print(error.message)
"""


@pytest.mark.parametrize("what", ["batch", "zstd", "gzip"])
@pytest.mark.parametrize("held", ["all", "none"])
def test_what_cannot_be_inflated_for_want_of_memory_is_not_called_damaged(what: str, held: str) -> None:
    command = [sys.executable, "-c", _WITHOUT_MEMORY, what, held]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout in ("no memory\n", ""), "or there was enough"


@pytest.mark.parametrize(
    "said",
    [
        ZstdError("Unable to create ZSTD_DCtx instance."),
        ZstdError("Unable to decompress Zstandard data: Allocation error : not enough memory"),
        zlib.error("Error -4 while decompressing data"),
    ],
)
def test_want_of_memory_is_told_apart_in_the_words_of_the_libraries(said: Exception) -> None:
    with pytest.raises(MemoryError), memory_told_apart():
        raise said


def test_batch_ids_are_version_7_leave_room_and_sort_by_time() -> None:
    ids = [SystemClock().batch_id() for _ in range(1000)]
    assert all(each.version == 7 and each.int & 0xFFFF_FFFF == 0 for each in ids)
    assert len(set(ids)) == 1000
    times = [each.int >> 64 for each in ids]
    assert times == sorted(times)


@given(st.integers(0, 2**32 - 1))
def test_an_event_id_leads_back_to_its_batch(ordinal: int) -> None:
    batch_id = SystemClock().batch_id()
    assert batch_of(event_id(batch_id, ordinal)) == (batch_id, ordinal)


def test_a_receipt_reads_back_and_fits_into_a_path() -> None:
    parts = [Part(SystemClock().batch_id(), first, 7) for first in range(3)]
    text = str(Receipt(parts))
    assert parse_receipt(text) == Receipt(parts)
    assert set(text) <= set("0123456789abcdef-~.")
    with pytest.raises(BadRequest):
        parse_receipt("nonsense")


@pytest.mark.parametrize("name", ["", "../up", "UPPER", "a" * 65, "a/b", "-a", "a b"])
def test_a_tenant_that_could_leave_its_folder_is_refused(name: str) -> None:
    with pytest.raises(BadRequest):
        tenant(name)
