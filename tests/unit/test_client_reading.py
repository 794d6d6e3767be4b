"""Bytes → events with their places: lines, documents, compressed streams, and how a file's kind is told."""

import gzip
import json
import zlib
from collections.abc import Iterable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordwood.client import documents, lines
from cordwood.client.batches import Batch, Batcher
from cordwood.client.inflate import inflated
from cordwood.client.source import Read, Refusal, Unread, events_of
from cordwood.errors import Corrupt
from cordwood.model.zstd import compress as zstd


def blocks_of(data: bytes, size: int) -> Iterator[bytes]:
    return iter([data[at : at + size] for at in range(0, len(data), size)])


def read(data: bytes, wanted=None, *, size: int = 1 << 16):
    """Events with their line numbers, and refusals."""
    events: list[tuple[int, bytes]] = []
    refused: list[tuple[int, str]] = []
    for item in events_of("f", blocks_of(data, size), wanted):
        if isinstance(item, Refusal):
            refused.append((item.line, item.error))
        elif isinstance(item, Batch):
            events += [(line, event) for (_, line), event in zip(item.places, item.events, strict=True)]
    return events, refused


def messages(data: bytes, wanted=None, *, size: int = 1 << 16):
    return [json.loads(event)["message"] for _, event in read(data, wanted, size=size)[0]]


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("combined", [(1, 3)]),
        ("logfmt", [(2, 3)]),
        ("text", []),
        ("auto", []),
        ("json", []),
        (None, []),
    ],
)
def test_lines_that_are_not_of_the_wanted_format_are_told(wanted, said):
    data = b'a=b c=d\nfree words\n192.0.2.1 - - [01/Feb/2026:03:04:05 +0000] "GET / HTTP/1.1" 200 5\nfree\xff\n'
    found = [item for item in events_of("f", iter([data]), wanted) if isinstance(item, Unread)]
    assert [(item.line, item.lines) for item in found] == said


class TestText:
    @pytest.mark.parametrize("size", [1, 3, 1000])
    def test_lines_keep_their_numbers_and_blank_ones_are_no_events(self, size):
        events, _ = read(b"\n\none\r\n \t\r\n\ntwo\x00\nlast", size=size)
        assert events == [
            (3, b'{"message":"one"}'),
            (6, b'{"message":"two\\u0000"}'),
            (7, b'{"message":"last"}'),
        ]

    def test_only_one_carriage_return_belongs_to_the_line_break(self):
        assert messages(b"10%\r20%\r\r\n") == ["10%\r20%\r"]

    def test_a_byte_order_mark_is_no_part_of_the_first_line(self):
        assert messages(b"\xef\xbb\xbfone\n", size=1) == ["one"]

    @pytest.mark.parametrize("data", [b"", b"\n\n \n", b"\xef\xbb\xbf"])
    def test_nothing_is_no_event(self, data):
        assert read(data) == ([], [])

    @given(st.lists(st.binary().filter(lambda line: b"\n" not in line and line.strip(b" \t\r"))), st.integers(1, 50))
    def test_every_line_is_one_event(self, given_lines, size):
        # The first line, so that nothing is taken for a compressed stream.
        events, refused = read(b"\n".join([b"first", *given_lines]), "text", size=size)
        assert [line for line, _ in events] == list(range(1, len(given_lines) + 2))
        assert refused == []


class TestJson:
    def test_ndjson_is_passed_on_byte_for_byte(self):
        data = b'\n{"a": 1.0e0,  "a":2}\r\n{broken\n"scalar"\n{"b":\xff}'
        assert read(data) == (
            [(2, b'{"a": 1.0e0,  "a":2}\r'), (3, b"{broken"), (4, b'"scalar"'), (5, b'{"b":\xff}')],
            [],
        )

    def test_text_that_begins_with_a_bracket_is_text(self):
        data = b"[Sun Dec 04 04:47:44 2005] [notice] workerEnv.init() ok\n[2] x\n"
        assert messages(data, size=1) == data.decode().splitlines()

    @pytest.mark.parametrize("size", [1, 7, 1000])
    def test_a_pretty_printed_array_gives_its_elements(self, size):
        data = json.dumps([{"a": 1, "s": 'x"]},{\\'}, {"b": [1, {"c": None}]}, 5], indent=2).encode()
        events, refused = read(data, size=size)
        assert [json.loads(event) for _, event in events] == json.loads(data)
        assert [line for line, _ in events] == [2, 6, 14]
        assert refused == []

    @pytest.mark.parametrize("size", [1, 7, 1000])
    def test_objects_spread_over_lines_are_events(self, size):
        values = [{"a": "x\n}{"}, {"b": {"c": 2}}, {}]
        data = "\n".join(json.dumps(value, indent=2) for value in values).encode()
        assert [json.loads(event) for _, event in read(data, size=size)[0]] == values

    def test_numbers_of_a_document_keep_their_spelling(self):
        digits = b"1234567890123456789012345678901234567890"
        assert read(b'[\n{"n":\n' + digits + b',"f":1e999}\n]')[0] == [(2, b'{"n":' + digits + b',"f":1e999}')]

    def test_a_damaged_first_line_does_not_make_a_document(self):
        data = b'{"cut": \n{"b":2}\n'
        assert read(data) == ([(1, b'{"cut": '), (2, b'{"b":2}')], [])

    def test_a_value_of_a_document_that_is_no_json_is_refused_with_its_line(self):
        events, refused = read(b'[\n{"a":1},\n{"b": "x\ny"},\n{"c":3}\n]')
        assert [line for line, _ in events] == [2, 5]
        assert [line for line, _ in refused] == [3]

    def test_an_array_that_is_not_closed_gives_what_it_has_and_then_complains(self):
        found: list[Read] = []
        with pytest.raises(Corrupt, match="not closed"):
            found.extend(events_of("f", iter([b'[{"a":1}, {"b":2}']), None))
        assert [event for item in found if isinstance(item, Batch) for event in item.events] == [b'{"a":1}', b'{"b":2}']

    def test_a_value_that_never_ends_is_given_up(self, monkeypatch):
        monkeypatch.setattr(documents, "MAX_VALUE_BYTES", 100)
        with pytest.raises(Corrupt, match="line 2"):
            read(b"[\n" + b'{"a":' * 100, size=10)


class TestLongLines:
    def test_a_line_beyond_all_bounds_is_refused_and_the_next_ones_are_read(self, monkeypatch):
        monkeypatch.setattr(lines, "MAX_LINE_BYTES", 100)
        events, refused = read(b"one\n" + b"x" * 1000 + b"\nthree", size=30)
        assert [line for line, _ in events] == [1, 3]
        assert [(line, error.split(";")[0]) for line, error in refused] == [(2, "the line has 1,000 bytes")]

    def test_a_line_of_20_mb_is_an_event(self):
        (message,) = messages(b"x" * 20_000_000, size=1 << 18)
        assert len(message) == 20_000_000


class TestInflating:
    DATA = b"".join(b"line %d\n" % number for number in range(50_000))

    @pytest.mark.parametrize("compress", [gzip.compress, zstd, lambda data: data])
    @pytest.mark.parametrize("size", [100, 4096])
    def test_streams_in_a_row_are_read_as_one(self, compress, size):
        half = len(self.DATA) // 2
        data = compress(self.DATA[:half]) + compress(self.DATA[half:])
        assert messages(data, size=size) == self.DATA.decode().splitlines()

    def test_padding_behind_a_stream_is_ignored(self):
        assert len(messages(gzip.compress(self.DATA) + bytes(1024))) == 50_000

    @pytest.mark.parametrize("compress", [gzip.compress, zstd])
    def test_a_truncated_stream_gives_what_it_has_and_then_complains(self, compress):
        data = compress(self.DATA)
        found: list[Read] = []
        with pytest.raises(Corrupt, match="ends early"):
            found.extend(events_of("f", blocks_of(data[:-10], 1000), None))
        events = [event for item in found if isinstance(item, Batch) for event in item.events]
        assert events[0] == b'{"message":"line 0"}'
        assert len(events) > 1000

    def test_damage_is_named(self):
        data = bytearray(gzip.compress(self.DATA))
        data[len(data) // 2] ^= 0xFF
        with pytest.raises(Corrupt, match="damaged"):
            read(bytes(data))

    def test_a_bomb_unfolds_in_steps(self):
        compressor = zlib.compressobj(9, wbits=31)
        bomb = compressor.compress(bytes(50 << 20)) + compressor.flush()
        steps = list(map(len, inflated(iter(()), bomb)))
        assert sum(steps) == 50 << 20
        assert max(steps) <= 1 << 20


class TestBatching:
    @staticmethod
    def batch(events: Iterable[bytes]) -> Batch:
        listed = list(events)
        return Batch(listed, [("f", number) for number in range(len(listed))])

    @given(st.lists(st.lists(st.binary(max_size=30), max_size=50)), st.integers(1, 20), st.integers(1, 200))
    def test_nothing_is_lost_and_no_batch_has_too_many_events(self, pieces, max_events, max_bytes):
        batcher = Batcher(max_events, max_bytes)
        batches = [full for piece in pieces for full in batcher.add(self.batch(piece))]
        batches += batcher.flush()
        assert [event for batch in batches for event in batch.events] == [event for piece in pieces for event in piece]
        assert all(1 <= len(batch.events) == len(batch.places) <= max_events for batch in batches)

    def test_no_batch_is_larger_than_the_limit_and_one_piece(self):
        batcher = Batcher(1000, 100)
        batches = [full for _ in range(50) for full in batcher.add(self.batch([b"x" * 29]))]
        assert {len(batch.body()) for batch in batches} == {90}

    def test_halves_are_the_whole(self):
        batch = self.batch([b"1", b"2", b"3"])
        first, second = batch.halves()
        assert [*first.events, *second.events] == batch.events
        assert [*first.places, *second.places] == batch.places
