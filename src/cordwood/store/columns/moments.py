"""Texts → timestamps, in a compiled loop: `model.event.parse_timestamp` for every spelling of RFC 3339 and ISO 8601
that it takes. Unix times are left to it. A property test holds the two together."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cordwood.compiled import compiled
from cordwood.model.event import MAX_TIMESTAMP_US, MIN_TIMESTAMP_US
from cordwood.model.json_tokens import BLANK, COLON, COMMA, NINE, ZERO

_DASH, _POINT, _PLUS = b"-.+"
_T, _SMALL_T, _Z, _SMALL_Z = b"TtZz"
_SECOND_US, _MINUTE_US = 1_000_000, 60_000_000
_BEFORE_MONTH = np.array([0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365])
"""Days of a common year."""
_EPOCH_DAY = 719_162
"""Days from 0001-01-01 to 1970-01-01."""
_NONE = np.int64(MIN_TIMESTAMP_US - 1)


def moments_of(texts: pa.StringArray) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The moment, in µs since 1970 UTC, that each text means, and which of them mean one."""
    offsets = np.frombuffer(texts.buffers()[1], np.int32, len(texts) + 1, texts.offset * 4)
    data = np.frombuffer(texts.buffers()[2] or b"", np.uint8)
    moments = np.empty(len(texts), np.int64)
    _read(data, offsets, _BEFORE_MONTH, moments)
    is_moment: NDArray[np.bool_] = moments != _NONE
    if texts.null_count:
        is_moment &= texts.is_valid().to_numpy(zero_copy_only=False)
    return moments, is_moment


@compiled
def _read(
    data: NDArray[np.uint8], offsets: NDArray[np.int32], before: NDArray[np.int64], moments: NDArray[np.int64]
) -> None:
    for place in range(len(moments)):
        moments[place] = _moment(data, offsets[place], offsets[place + 1], before)


@compiled
def _moment(data: NDArray[np.uint8], at: int, end: int, before: NDArray[np.int64]) -> np.int64:
    """One text's, or `_NONE`."""
    if end - at < 10 or data[at + 4] != _DASH or data[at + 7] != _DASH:
        return _NONE
    century, year = _two(data, at), _two(data, at + 2)
    month, day = _two(data, at + 5), _two(data, at + 8)
    if century < 0 or year < 0 or day < 1 or not 1 <= month <= 12:
        return _NONE
    year += 100 * century
    is_leap = (year % 4 == 0 and year % 100 != 0) or year % 400 == 0
    if year < 1 or day > before[month] - before[month - 1] + (is_leap and month == 2):
        return _NONE
    past = year - 1
    days = 365 * past + past // 4 - past // 100 + past // 400 + before[month - 1] + (is_leap and month > 2) + day - 1
    moment = np.int64(days - _EPOCH_DAY) * np.int64(24 * 60 * _MINUTE_US)
    at += 10
    if at == end:
        return moment
    if end - at < 6 or data[at] not in (_T, _SMALL_T, BLANK) or data[at + 3] != COLON:
        return _NONE
    hour, minute = _two(data, at + 1), _two(data, at + 4)
    if not 0 <= hour < 24 or not 0 <= minute < 60:
        return _NONE
    moment += np.int64(hour * 60 + minute) * np.int64(_MINUTE_US)
    at += 6
    if end - at >= 3 and data[at] == COLON:
        second = _two(data, at + 1)
        if not 0 <= second < 60:
            return _NONE
        moment += np.int64(second) * np.int64(_SECOND_US)
        at += 3
        if at < end and (data[at] == _POINT or data[at] == COMMA):
            at += 1
            unit = _SECOND_US
            start = at
            while at < end and ZERO <= data[at] <= NINE:
                unit //= 10
                moment += np.int64(data[at] - ZERO) * np.int64(unit)
                at += 1
            if at == start:
                return _NONE
    if at < end and data[at] == BLANK:
        at += 1
    if at < end and (data[at] == _Z or data[at] == _SMALL_Z):
        at += 1
    elif at < end and (data[at] == _PLUS or data[at] == _DASH):
        is_ahead = data[at] == _PLUS
        hour = _two(data, at + 1) if end - at >= 3 else -1
        if not 0 <= hour < 15:
            return _NONE
        at += 3
        minute = 0
        if at < end:
            at += data[at] == COLON
            minute = _two(data, at) if end - at == 2 else -1
            at += 2
        if not 0 <= minute < 60:
            return _NONE
        shift = np.int64(hour * 60 + minute) * np.int64(_MINUTE_US)
        moment += -shift if is_ahead else shift
    if at != end or not MIN_TIMESTAMP_US <= moment <= MAX_TIMESTAMP_US:
        return _NONE
    return moment


@compiled
def _two(data: NDArray[np.uint8], at: int) -> int:
    """The number that two digits are; -1 when they are none."""
    if ZERO <= data[at] <= NINE and ZERO <= data[at + 1] <= NINE:
        return 10 * int(data[at] - ZERO) + int(data[at + 1] - ZERO)
    return -1
