"""Events that were fetched lately."""

from uuid import UUID

from cordwood.model.answer import StoredEvent
from cordwood.store.segments.fetching import Place
from cordwood.store.segments.lately import Lately


def event(number: int, size: int = 1000) -> tuple[Place, StoredEvent]:
    return ("a.parquet", number, None), StoredEvent(UUID(int=number), number, number, None, None, b"x" * size)


def test_an_event_is_known_by_its_place() -> None:
    lately = Lately(10_000)
    (place, kept), (other, _) = event(1), event(2)
    lately.keep({place: kept})
    assert lately.known([other, place]) == {place: kept}


def test_no_more_is_kept_than_allowed_and_what_was_asked_for_longest_ago_goes_first() -> None:
    lately = Lately(100_000)
    for number in range(1000):
        lately.keep(dict([event(number)]))
        lately.keep(lately.known([event(0)[0]]))
    assert len(lately) == 100_000 // 1600
    assert lately.known([event(0)[0], event(1)[0], event(999)[0]]).keys() == {event(0)[0], event(999)[0]}


def test_an_event_larger_than_all_is_not_kept() -> None:
    lately = Lately(100_000)
    lately.keep(dict([event(1), event(2, 1_000_000)]))
    assert len(lately) == 0
    lately.keep(dict([event(1)]))
    assert len(lately) == 1
