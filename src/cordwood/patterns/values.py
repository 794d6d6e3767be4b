"""A template and a message → what stands in the message where the template has wildcards and masks."""

import numpy as np

from cordwood.patterns.forms import spans_for
from cordwood.patterns.masking import ROOM, mask
from cordwood.patterns.matching import UNMATCHED, Matcher
from cordwood.patterns.mining import DEFAULT
from cordwood.patterns.tokens import affixes, split


def values_of(template: str, message: str, longest: int = DEFAULT.longest) -> list[str] | None:
    """In the order of the template; nothing when the message does not match it.

    Where the template has a token once that is several times in a row in the message, all of them are one value.
    """
    encoded = message.encode()
    text = np.frombuffer(encoded or b"\n", np.uint8)
    written = np.empty(longest + ROOM, np.uint8)
    spans, tokens = spans_for(longest)
    size, count = mask(text, 0, len(encoded), longest, written, spans, tokens)
    form = written[:size].tobytes().decode()
    if Matcher([template], longest).match([form])[0] == UNMATCHED:
        return None
    stretches: list[tuple[int, int]] = []
    at = masked = 0
    for number, (known, token) in enumerate(zip(split(template), split(form), strict=True)):
        at += len(token.encode()) + 1
        of_token = masked
        while masked < count and spans[masked, 0] < at:
            masked += 1
        around = affixes(known)
        if around is None:
            stretches += [(int(begin), int(end)) for _, begin, end in spans[of_token:masked]]
        else:
            before, behind = (len(each.encode()) for each in around)
            stretches.append((int(tokens[number, 0]) + before, int(tokens[number, 1]) - behind))
    return [encoded[begin:end].decode(errors="replace") for begin, end in stretches]
