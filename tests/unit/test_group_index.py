"""What a file says of its row groups, and what it says when it is damaged."""

from pathlib import Path

from msgspec.structs import replace

from cordwood.store.segments.group_index import Group, GroupIndex
from cordwood.store.segments.token_filter import TokenFilter

FOOTER = b"any Parquet footer"
ENDING = len(FOOTER).to_bytes(4, "little") + b"PAR1"
WORDS = TokenFilter(bytes(range(64)))
INDEX = GroupIndex(
    [
        Group(0, 65_536, -5, 1_795_564_800_000_000, WORDS),
        Group(65_536, 10, 7, 7, None),
        Group(65_546, 20, 8, 9, TokenFilter(bytes(4096), 5)),
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
    """From the first version on; files keep them."""
    assert GroupIndex([Group(0, 3, 1, 2, None)]).to_bytes().hex() == (
        "03000000000000000100000000000000020000000000000000000000010000001c00000017d5f20b43574749"
    )


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
