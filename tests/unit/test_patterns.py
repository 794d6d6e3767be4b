"""What messages have in common: masks, templates, the match, adding up."""

import os
import random
import subprocess
import sys
from itertools import permutations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cordwood.patterns import Limits, Matcher, Pattern, Patterns, merge, mine, pattern_id, values_of
from cordwood.patterns.matching import MOST_FORMS, OTHER, UNMATCHED

MASKED = [
    ("request completed in 123 ms", "request completed in <duration>", ["123 ms"]),
    ("took 1m30s, then 12.5µs for 10MB (9.6 KB)", "took <duration>, then <duration> for <size> (<size>)", None),
    ("block blk_-6991853982611346454 of job_1445_0020", "block blk_<num> of job_<num>", None),
    ("attempt_1445144423722_0020_m_000001_0 done", "attempt_<id> done", ["1445144423722_0020_m_000001_0"]),
    ("balance -5, change=+7, pages 3-5", "balance <num>, change=<num>, pages <num>", ["-5", "+7", "3-5"]),
    ("1e-05 of 0.5", "<num> of <num>", ["1e-05", "0.5"]),
    ("at 0x1f00 in deadbeef01", "at <hex> in <hex>", ["0x1f00", "deadbeef01"]),
    ("id 7e7cc42f-3cb9-4d91-804c-f5a32d54f1c5!", "id <uuid>!", ["7e7cc42f-3cb9-4d91-804c-f5a32d54f1c5"]),
    ("from 10.251.39.209:50010", "from <ip>:<num>", ["10.251.39.209", "50010"]),
    ("from fe80::1 by aa:bb:0c:dd:ee:ff", "from <ip> by <hex>", ["fe80::1", "aa:bb:0c:dd:ee:ff"]),
    ("std::string of abc::def", "std::string of abc::def", []),
    ("at Wed Jun 29 14:44:35 2005 sharp", "at <time> sharp", ["Wed Jun 29 14:44:35 2005"]),
    ("on Wed, 29 Jun 2005 14:44:35 +0000", "on <time>", ["Wed, 29 Jun 2005 14:44:35 +0000"]),
    ("Jun  9 14:44:35 up", "<time> up", ["Jun  9 14:44:35"]),
    ("since 2015-10-18T18:01:47.978Z", "since <time>", ["2015-10-18T18:01:47.978Z"]),
    ("2015-10-18 18:01:47,978 ok", "<time> ok", ["2015-10-18 18:01:47,978"]),
    ("17/06/09 20:10:40 ok", "<time> ok", ["17/06/09 20:10:40"]),
    ("[10/Oct/2000:13:55:36 +0200] ok", "[<time>] ok", ["10/Oct/2000:13:55:36 +0200"]),
    ("May I ask at 20:10?", "May I ask at <num>:<num>?", ["20", "10"]),
    ("ssh2 on tty2, node12, 64bit, 2k", "ssh2 on tty2, node<num>, <num>bit, <num>k", ["12", "64", "2"]),
    ("blocks 1 2 3 4 gone", "blocks <num> gone", ["1 2 3 4"]),
    ("ha ha ha", "ha ha ha", []),
    ("  many   blanks\there ", "many blanks here", []),
    ("", "", []),
    ("   ", "", []),
    ("\n\nfirst of 2\n  second of 3\n", "first of <num>", ["2"]),
    ("\x1b[31;1mred\x1b[0m 5 \x1b", "red <num>", ["5"]),
    ("\x1b[31", "", []),
    ("Größe 7 für Ähnliches 日本語", "Größe <num> für Ähnliches 日本語", ["7"]),
    ("a\x00b\x07c \x7f", "a b c", []),
    ('{"user": {"id": 17}, "ok": true}', '{"user": {"id": <num>}, "ok": true}', ["17"]),
    ("x" * 5000, "<id>", ["x" * 5000]),
]


@pytest.mark.parametrize(("message", "template", "values"), MASKED)
def test_what_varies_by_its_looks_is_masked(message: str, template: str, values: list[str] | None) -> None:
    assert mine(pa.array([message])).templates == [template]
    found = values_of(template, message)
    assert found is not None
    assert values is None or found == values


def _templates(*messages: str) -> set[str]:
    return set(mine(pa.array(messages)).templates)


def test_what_differs_within_a_group_is_a_wildcard() -> None:
    users = ["ann", "bob", "cid", "dan", "eve"]
    messages = [f"session opened for user={user}, by (uid=0)" for user in users]
    assert _templates(*messages) == {"session opened for user=<*>, by (uid=<num>)"}
    assert values_of("session opened for user=<*>, by (uid=<num>)", messages[0]) == ["ann", "0"]
    assert values_of("session opened for user=<*>, by (uid=<num>)", "session closed") is None


def test_a_few_words_in_one_place_are_told_apart() -> None:
    states = ["Started", "Paused", "Resumed", "Stopped"]
    assert _templates(*(f"VM {state} (Lifecycle Event)" for state in states)) == {
        f"VM {state} (Lifecycle Event)" for state in states
    }


def test_a_value_is_no_word_that_tells_kinds_apart() -> None:
    assert _templates("host web1 is down again", "host web-2 is down again") == {"host <*> is down again"}


def test_a_case_of_a_template_is_not_told_apart_from_it() -> None:
    cases = [Pattern("user <*> logged in", 5), Pattern("user bob logged in", 3), Pattern("user bob left", 1)]
    merged = merge([tuple(cases)])
    assert merged.patterns == (Pattern("user <*> logged in", 8), Pattern("user bob left", 1))
    assert merged.became == {pattern_id("user bob logged in"): pattern_id("user <*> logged in")}


def test_a_case_of_a_template_belongs_to_it_whatever_it_begins_with() -> None:
    general, case, vague = "<*> is down now", "web is down now", "<*> <*> down"
    merged = merge([(Pattern(general, 5), Pattern(case, 3)), (Pattern(vague, 2), Pattern("all are down", 1))])
    assert merged.patterns == (Pattern(general, 8), Pattern(vague, 2), Pattern("all are down", 1))
    assert merged.became == {pattern_id(case): pattern_id(general)}


def test_which_form_comes_first_does_not_matter() -> None:
    # The first is like both of the others, which are not like each other.
    messages = ["x a1 b1 c1", "x a1 d1 e1", "x f1 b1 c1"]
    assert len({frozenset(_templates(*order)) for order in permutations(messages)}) == 1


def test_what_is_around_a_wildcard_does_not_overlap() -> None:
    assert values_of("user (<*>) left", "user () left") == [""]
    assert Matcher(["see a'<*>'"]).assign(pa.array(["see a''", "see a'"])).tolist() == [0, UNMATCHED]


def test_the_most_telling_template_counts() -> None:
    matcher = Matcher(["<*> <*> <*>", "user <*> left", "user bob left", "user (<*>) left"])
    assert matcher.assign(
        pa.array(["user bob left", "user ann left", "user (ann) left", "a b c", "a b", None])
    ).tolist() == [
        2,
        1,
        3,
        0,
        UNMATCHED,
        -1,
    ]


@pytest.mark.parametrize(
    "kind", [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())]
)
def test_messages_of_any_arrow_type_are_mined(kind: pa.DataType) -> None:
    messages = pa.array(["left out", "took 5 ms", None, "took 6 ms", "done", "left out"]).cast(kind)
    for given_ in (messages[1:5], pa.chunked_array([messages[1:3], messages[3:5]])):
        mined = mine(given_)
        assert mined.templates == ["took <duration>", "done"]
        assert mined.counts.tolist() == [2, 1]
        assert mined.firsts.tolist() == [0, 3]
        assert mined.numbers.tolist() == [0, -1, 0, 1]


@pytest.mark.parametrize(
    "messages", [pa.array([], pa.string()), pa.nulls(2, pa.string()), pa.chunked_array([], pa.string())]
)
def test_no_messages_have_no_templates(messages: pa.Array) -> None:
    mined = mine(messages)
    assert mined.templates == []
    assert mined.numbers.tolist() == [-1] * len(messages)
    assert Matcher([]).assign(messages).tolist() == [-1] * len(messages)


def test_the_end_of_a_long_message_does_not_matter() -> None:
    start = " ".join(["word"] * 30)
    for rest in (" again" * 10_000, "/x" * 10_000, " 1" * 40_000, "\x00" * 70_000):
        limits = Limits(longest=100)
        mined = mine(pa.array([start + rest, start + rest + " more"]), limits)
        assert len(mined.templates) == 1
        assert len(mined.templates[0]) < 400
        assert mined.templates[0].endswith(" <*>")
        assert values_of(mined.templates[0], start + rest, limits.longest) is not None


def test_of_a_message_whose_form_stays_short_only_so_much_is_looked_at() -> None:
    assert _templates("pages" + " 1" * 40_000 + " left") == {"pages <num> <*>"}
    assert _templates("pages" + " 1" * 1_000 + " left") == {"pages <num> left"}
    assert _templates("\x00" * 70_000 + "left") == {"left"}


def test_more_templates_than_are_kept_are_counted_as_other() -> None:
    rows = [f"{chr(97 + number % 26)}{chr(97 + number // 26)} is here" for number in range(100)]
    mined = mine(pa.array([*rows, *rows[:10]]), Limits(templates=10))
    assert mined.templates == [OTHER, *sorted(rows[:10])]
    assert mined.counts.tolist() == [90, *[2] * 10]


def test_more_forms_than_are_looked_at_are_all_counted() -> None:
    letters = "abcdefghijklmnopqrstuvwxyz"
    rows = [f"user {a}{b}{c} left" for a in letters for b in letters for c in letters] * 2
    rows += [f"user {a}{b}{c}{d} left" for a in letters[:4] for b in letters for c in letters for d in letters[:4]]
    assert len(set(rows)) > MOST_FORMS
    rows.append("rare as can be")
    mined = mine(pa.array(rows), Limits(forms=100))
    assert mined.templates == ["user <*> left", OTHER]
    assert mined.counts.tolist() == [len(rows) - 1, 1]
    assert Matcher(mined.templates).assign(pa.array(rows)).tolist() == mined.numbers.tolist()


def test_known_templates_come_first() -> None:
    known = ["user <*> logged in", OTHER]
    mined = mine(pa.array(["user ann logged in", "user bob logged out"]), known=known)
    assert sorted(mined.templates) == ["user <*> logged in", "user bob logged out"]


def test_an_id_depends_on_the_template_alone() -> None:
    assert pattern_id("user <num> logged in from <ip>") == "897cabcb9cfa315c"
    assert Pattern("user <num> logged in from <ip>", 3).id == "897cabcb9cfa315c"


def test_every_process_finds_the_same() -> None:
    script = (
        "import pyarrow as pa; from cordwood.patterns import mine;"
        "print(mine(pa.array([f'{a} {b} sees {c} of {d}'"
        " for a in 'ab' for b in 'cdefgh' for c in 'xy' for d in 'klmnopq'])).templates)"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(told) == 1
    assert told.pop().strip() != "[]"


# Few words, so that they meet; and whatever a text may be.
_WORDS = st.sampled_from(
    ["user", "bob", "took", "5 ms", "10.0.0.1", "17", "a=1", "b=x", "c=y", "(x)", "<*>", "<num>", "日本"]
)
_LINES = st.lists(_WORDS, max_size=6).map(" ".join)
_MESSAGES = st.lists(st.one_of(_LINES, _LINES, st.text(max_size=40), st.none()), max_size=40)
_SMALL = Limits(templates=5, forms=10, longest=30)


@given(_MESSAGES, st.sampled_from([Limits(), _SMALL]))
def test_every_message_has_one_template_that_it_matches(messages: list[str | None], limits: Limits) -> None:
    column = pa.array(messages, pa.string())
    mined = mine(column, limits)
    assert len(mined.templates) <= limits.templates + 1
    assert mined.counts.sum() == len(messages) - column.null_count
    assert (mined.counts > 0).all()
    assert len(set(mined.templates)) == len(mined.templates)
    assert Matcher(mined.templates, limits.longest).assign(column).tolist() == mined.numbers.tolist()
    for row, message in enumerate(messages):
        number = mined.numbers[row]
        assert (number < 0) == (message is None)
        if message is not None and mined.templates[number] != OTHER:
            assert values_of(mined.templates[number], message, limits.longest) is not None
    for number in range(len(mined.templates)):
        assert mined.firsts[number] == mined.numbers.tolist().index(number)


@given(_MESSAGES, st.randoms(use_true_random=False))
def test_the_order_of_messages_does_not_matter(messages: list[str | None], source: random.Random) -> None:
    other = messages[:]
    source.shuffle(other)
    one, two = mine(pa.array(messages, pa.string())), mine(pa.array(other, pa.string()))
    assert one.templates == two.templates
    assert one.counts.tolist() == two.counts.tolist()


def _patterns(messages: list[str | None], base: int) -> Patterns:
    mined = mine(pa.array(messages, pa.string()))
    named = zip(mined.templates, mined.counts.tolist(), mined.firsts.tolist(), strict=True)
    return tuple(
        Pattern(template, count, f"{base + first:06}", f"{base + first:06}") for template, count, first in named
    )


@given(st.lists(_MESSAGES, max_size=4), st.sampled_from([Limits(), _SMALL]), st.randoms(use_true_random=False))
def test_merging_loses_no_count_and_knows_no_order(
    parts: list[list[str | None]], limits: Limits, source: random.Random
) -> None:
    found = [_patterns(messages, 1000 * number) for number, messages in enumerate(parts)]
    merged = merge(found, limits)
    assert sum(each.count for each in merged.patterns) == sum(each.count for part in found for each in part)
    assert len(merged.patterns) <= limits.templates + 1
    ids = {each.id for each in merged.patterns}
    asked = {each.id for part in found for each in part}
    assert {merged.became.get(each, each) for each in asked} == ids
    assert not set(merged.became) & ids
    everything = [each for part in found for each in part]
    assert min((each.first for each in merged.patterns), default="") == min(
        (each.first for each in everything), default=""
    )
    assert max((each.last for each in merged.patterns), default="") == max(
        (each.last for each in everything), default=""
    )
    source.shuffle(found)
    assert merge(found, limits) == merged


@settings(max_examples=30)
@given(st.binary(max_size=300))
def test_any_bytes_that_are_text_have_a_template(body: bytes) -> None:
    messages = pa.array([body.decode("utf-8", "replace"), body.decode("latin-1")])
    mined = mine(messages, Limits(longest=60))
    assert mined.counts.sum() == 2
