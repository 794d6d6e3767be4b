"""Every error Cordwood raises across a seam, drawn by who can act on it.

    CordwoodError
    ├── BadRequest            400  the sender: mend the request
    │   ├── BadQuery          400  … mend the query, where it says
    │   ├── Unauthorized      401  … send a key
    │   ├── Forbidden         403  … send a key with another scope
    │   ├── NotFound          404
    │   ├── MethodNotAllowed  405
    │   ├── SlowBody          408  … the body stopped arriving
    │   ├── SlowHead          408  … the head did
    │   ├── Cancelled         409  … somebody stopped the question
    │   ├── Unconfirmed       409  … say that what follows from it is meant
    │   ├── TooLarge          413  … send less at once
    │   ├── UnsupportedMedia  415  … another encoding
    │   └── HeadTooLarge      431  … a shorter address, fewer headers
    ├── Overloaded            429  nobody: nothing was kept, try again later
    ├── Unavailable           503  the operator: a part is away; the outcome may be unknown
    ├── Refused               422  the data: a store cannot hold it (split, then dead-letter)
    ├── Corrupt               500  the operator: stored bytes are damaged
    └── ConfigError           500  the operator: a setting is wrong

A message says what happened, to what; `hint` says what to do.
"""

from collections.abc import Sequence
from typing import ClassVar


class CordwoodError(Exception):
    """Root of the tree. `status` is the HTTP status, `label` the metric label and problem type."""

    status: ClassVar[int] = 500
    label: ClassVar[str] = "internal"
    is_retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class BadRequest(CordwoodError):
    """The request cannot be understood as it is."""

    status = 400
    label = "bad_request"


class BadQuery(BadRequest):
    """A query that cannot be understood, with the place.

    `length` characters from `position` on are at fault (none: something is missing there). `expected` says what could
    stand there, `suggestion` what may have been meant.
    """

    status = 400
    label = "bad_query"

    def __init__(
        self,
        message: str,
        *,
        query: str,
        position: int,
        length: int = 0,
        expected: Sequence[str] = (),
        suggestion: str | None = None,
        hint: str = "",
    ) -> None:
        super().__init__(message, hint=hint)
        self.query = query
        self.position = position
        self.length = length
        self.expected = tuple(expected)
        self.suggestion = suggestion


class Unauthorized(BadRequest):
    """No key, or one that is not known."""

    status = 401
    label = "unauthorized"


class Forbidden(BadRequest):
    """A key that is known, but not for this."""

    status = 403
    label = "forbidden"


class NotFound(BadRequest):
    """No such thing for this tenant."""

    status = 404
    label = "not_found"


class MethodNotAllowed(BadRequest):
    """The path exists, with other methods: those of `allow`, as the header spells them (RFC 9110 §10.2.1)."""

    status = 405
    label = "method_not_allowed"

    def __init__(self, message: str, *, hint: str = "", allow: str) -> None:
        super().__init__(message, hint=hint)
        self.allow = allow


class SlowBody(BadRequest):
    """The request body did not arrive in time."""

    status = 408
    label = "slow_body"
    is_retryable = True


class SlowHead(BadRequest):
    """The request's address and headers did not arrive in time."""

    status = 408
    label = "slow_head"
    is_retryable = True


class Cancelled(BadRequest):
    """Somebody cancelled the question while it was answered."""

    status = 409
    label = "cancelled"


class Unconfirmed(BadRequest):
    """What is asked for has a consequence that the request does not say it means."""

    status = 409
    label = "unconfirmed"


class TooLarge(BadRequest):
    """The request passes a size limit."""

    status = 413
    label = "too_large"


class UnsupportedMedia(BadRequest):
    """A content type or content encoding that is not spoken here."""

    status = 415
    label = "unsupported_media"


class HeadTooLarge(BadRequest):
    """The address and the headers together pass a limit."""

    status = 431
    label = "head_too_large"


class Overloaded(CordwoodError):
    """No room just now. Nothing was kept; the same request may be sent again after `retry_after_s`."""

    status = 429
    label = "overloaded"
    is_retryable = True

    def __init__(self, message: str, *, hint: str = "", retry_after_s: int = 1) -> None:
        super().__init__(message, hint=hint)
        self.retry_after_s = retry_after_s


class Unavailable(CordwoodError):
    """A part is away. The outcome may be unknown; the same batch may be sent again."""

    status = 503
    label = "unavailable"
    is_retryable = True

    def __init__(self, message: str, *, hint: str = "", retry_after_s: int = 2) -> None:
        super().__init__(message, hint=hint)
        self.retry_after_s = retry_after_s


class Refused(CordwoodError):
    """The store is well but cannot hold this data. Splitting finds the event at fault."""

    status = 422
    label = "refused"


class Corrupt(CordwoodError):
    """Bytes that we wrote do not read back."""

    status = 500
    label = "corrupt"


class ConfigError(CordwoodError):
    """A setting is unknown, wrong, or contradicts another."""

    status = 500
    label = "config"
