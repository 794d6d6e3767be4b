"""Which segments are merged."""

import random

from msgspec.structs import replace

from cordwood.model.tenant import Tenant
from cordwood.store.segments.catalog_entries import Segment
from cordwood.store.segments.compaction import next_group, next_large_group, next_or_rest

ACME, OTHER = Tenant("acme"), Tenant("other")


def segment(number: int, events: int, tenant: Tenant = ACME, size_bytes: int | None = None) -> Segment:
    size_bytes = events * 44 if size_bytes is None else size_bytes
    return Segment(f"{number:08}.parquet", tenant, events, size_bytes, number * 1000, number * 1000 + 999)


def merged(segments: list[Segment], group: list[Segment], number: int) -> list[Segment]:
    events, size_bytes = (sum(each) for each in zip(*((s.events, s.size_bytes) for s in group), strict=True))
    new = Segment(f"m{number}", group[0].tenant, events, size_bytes, group[0].min_us, max(s.max_us for s in group))
    return [*(s for s in segments if s not in group), new]


def test_fewer_than_eight_alike_are_left() -> None:
    assert next_group([segment(n, 100) for n in range(7)]) is None
    assert next_group([segment(n, 8**n) for n in range(7)]) is None
    assert next_group([segment(n, 100, ACME if n % 2 else OTHER) for n in range(14)]) is None


def test_eight_alike_are_merged_in_order_of_time() -> None:
    alike = [segment(n, 100) for n in range(8)]
    assert next_group(random.Random(1).sample(alike, 8)) == alike


def test_a_merge_gathers_no_more_than_one_large_segment() -> None:
    group = next_group([segment(n, 30_000) for n in range(20)])
    assert group is not None
    assert [each.events for each in group] == [30_000, 30_000]
    heavy = next_group([segment(n, 100, size_bytes=12 << 20) for n in range(20)])
    assert heavy is not None
    assert len(heavy) == 2


def test_what_is_large_in_memory_only_is_large() -> None:
    small = [replace(segment(n, 100), plain_bytes=20 << 20) for n in range(20)]
    group = next_group(small)
    assert group is not None
    assert len(group) == 4
    assert next_group([replace(segment(n, 100), plain_bytes=64 << 20) for n in range(20)]) is None


def test_large_segments_are_left_alone() -> None:
    assert next_group([segment(n, 500_000) for n in range(20)]) is None
    assert next_group([segment(n, 100, size_bytes=64 << 20) for n in range(20)]) is None


def test_ten_thousand_tiny_writes_leave_a_bounded_number() -> None:
    segments: list[Segment] = []
    rewritten = most = 0
    for number in range(10_000):
        segments.append(segment(number, 1 + number % 3))
        while number % 50 == 49 and (group := next_group(segments)) is not None:
            rewritten += sum(each.events for each in group)
            segments = merged(segments, group, rewritten)
        most = max(most, len(segments))
    events = sum(each.events for each in segments)
    assert events == sum(1 + number % 3 for number in range(10_000))
    assert most < 100
    assert rewritten < 8 * events


def full(number: int, columns: frozenset[str] = frozenset()) -> Segment:
    return replace(segment(number, 60_000), columns=columns)


def test_full_segments_become_a_large_one() -> None:
    assert next_large_group([full(n) for n in range(16)]) is None
    group = next_large_group([full(n) for n in range(40)])
    assert group == [full(n) for n in range(17)]
    others = [replace(full(n), tenant=OTHER) for n in range(16)]
    assert next_large_group([*others, *(full(n) for n in range(17))]) == group


def test_small_segments_come_first() -> None:
    small = [segment(n, 100) for n in range(100, 108)]
    assert next_large_group([*(full(n) for n in range(20)), *small]) == small


def test_what_has_no_place_for_its_columns_is_passed_over() -> None:
    clashing = full(3, frozenset({"Host:str"}))
    wide = full(5, frozenset(f"f{n}:int" for n in range(1000)))
    rest = [full(n, frozenset({"host:str"})) for n in range(20) if n not in (3, 5)]
    assert next_large_group([clashing, wide, *rest]) == rest[:17]


def test_the_rest_is_merged_however_little_it_is() -> None:
    few = [segment(1, 10), segment(2, 5000), full(3), full(4)]
    assert next_or_rest(few) == few[:2]
    assert next_or_rest(few[1:]) == few[1:]
    assert next_or_rest(few[3:]) is None
