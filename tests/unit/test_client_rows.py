"""Tables for people."""

import io

from cordwood.cli.rows import print_rows


def printed(*rows: bytes) -> list[list[str]]:
    out = io.BytesIO()
    print_rows(rows, out)
    return [line.split() for line in out.getvalue().decode().splitlines()]


def test_numbers_show_no_digits_of_how_they_were_computed_and_lose_none_that_were_sent():
    rows = printed(
        b'{"n":1192133.3600000069}',
        b'{"n":0.30000000000000004}',
        b'{"n":123456789012345678901234567890}',
        b'{"n":0.12345678901234567890123456789}',
    )
    assert rows == [
        ["n"],
        ["1192133.36"],
        ["0.3"],
        ["123456789012345678901234567890"],
        ["0.12345678901234567890123456789"],
    ]


def test_what_is_not_there_is_a_dash_and_texts_reach_no_terminal_as_codes():
    assert printed(b'{"a":null,"b":"x"}', b'{"a":[1],"b":"\\u001b[31m"}')[1:] == [["-", "x"], ["[1]", "\\x1b[31m"]]
