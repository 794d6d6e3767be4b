"""What a file says of its row groups, and what it says when it is damaged."""

from pathlib import Path

from msgspec.structs import replace

from cordwood.store.segments.group_index import Group, GroupIndex
from cordwood.store.segments.token_filter import ProbedFilter, TokenFilter

FOOTER = b"any Parquet footer"
ENDING = len(FOOTER).to_bytes(4, "little") + b"PAR1"
WORDS = TokenFilter(bytes(range(64)))
EARLIER = bytes.fromhex(
    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363738393a"
    "3b3c3d3e3f0300000006030000010000000000000002000000000000008cce0e10010000005c0000005931a07243574749"
)
"""An index of three rows as the first version wrote it."""
INDEX = GroupIndex(
    [
        Group(0, 65_536, -5, 1_795_564_800_000_000, WORDS),
        Group(65_536, 10, 7, 7, None),
        Group(65_546, 20, 8, 9, TokenFilter(bytes(64 * 96))),
    ]
)


def written(index: bytes, before: bytes = b"PAR1 and row groups") -> bytes:
    return before + index + FOOTER + ENDING


def read(file: bytes) -> GroupIndex | None:
    return GroupIndex.read(lambda offset, length: file[offset : offset + length], len(file))


def test_an_index_is_read_as_it_was_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(written(INDEX.to_bytes()))
    assert GroupIndex.of_file(tmp_path / "file") == INDEX
    assert read(written(GroupIndex([]).to_bytes())) == GroupIndex([])


def test_an_index_is_the_bytes_that_files_have() -> None:
    """From the second version on; files keep them."""
    assert GroupIndex([Group(0, 3, 1, 2, None)]).to_bytes().hex() == (
        "03000000000000000100000000000000020000000000000000000000010000001c00000017d5f20b43574732"
    )


def test_an_index_of_the_first_version_is_read() -> None:
    assert read(written(EARLIER)) == GroupIndex([Group(0, 3, 1, 2, ProbedFilter(bytes(range(64)), 3))])
    damaged = EARLIER[:5] + b"?" + EARLIER[6:]
    assert read(written(damaged)) == GroupIndex([Group(0, 3, 1, 2, None)])


def test_what_has_no_index_says_so() -> None:
    assert read(written(b"")) is None
    assert read(b"") is None
    assert read(b"PAR1") is None
    assert read(b"PAR1" + b"\xff\xff\xff\xffPAR1") is None


def test_damage_never_hides_a_row_group() -> None:
    whole = INDEX.to_bytes()
    for place in range(len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= 1
        found = read(written(bytes(damaged)))
        if found is None:
            continue
        # Bits of a filter: then it is none.
        pairs = list(zip(found.groups, INDEX.groups, strict=True))
        assert all(now == replace(was, words=now.words) and now.words in (None, was.words) for now, was in pairs)
        assert found != INDEX
    for cut in range(1, len(whole)):
        assert read(whole[cut:] + FOOTER + ENDING) is None
