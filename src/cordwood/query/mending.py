"""Mending dead letters: edit them, see whether they would do, store them after all."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from cordwood.errors import BadRequest, Corrupt, NotFound, Refused
from cordwood.model.batch import Batch, BatchHeader, expanded
from cordwood.model.deadletter import (
    WHOLE_BATCH,
    DeadLetter,
    LetterId,
    Selection,
    batch_of_letter,
    letter_text,
)
from cordwood.model.tenant import Tenant
from cordwood.protocols.check import error_of
from cordwood.protocols.decoded import Limits
from cordwood.store.interface import DeadLetters, Load, Replay, Writer

_AT_ONCE = 200
"""Letters in one transaction."""
_MAX_FAILURES = 100


class Edit(Struct, frozen=True, forbid_unknown_fields=True):
    """What to change in every chosen event; fields are top-level keys. `set` comes last."""

    rename: Mapping[str, str] = {}
    drop: Sequence[str] = ()
    set: Mapping[str, Any] = {}

    def apply(self, line: bytes) -> bytes:
        """The edited event. Raises BadRequest when it is no JSON object."""
        event = _object(line)
        edited = {self.rename.get(name, name): value for name, value in event.items() if name not in self.drop}
        edited |= self.set
        try:
            return msgspec.json.encode(edited)
        except (UnicodeEncodeError, OverflowError):
            return json.dumps(edited).encode()


def _object(line: bytes) -> dict[str, Any]:
    """Raises BadRequest."""
    try:
        return dict(msgspec.json.decode(line, type=dict[str, msgspec.Raw]))
    except msgspec.MsgspecError:
        # Stricter than it is wise to be here: a letter may well hold what is almost JSON.
        try:
            event = json.loads(line)
        except ValueError as error:
            raise BadRequest(f"it is no JSON: {error}") from error
    if not isinstance(event, dict):
        raise BadRequest("it is no JSON object")
    return event


class Failure(Struct, frozen=True):
    """A letter that stays one."""

    id: str
    error: str


class Outcome(Struct, frozen=True):
    """What a replay did, or would do. `failed` names the first hundred of those that stay."""

    events: int
    letters: int
    failed_letters: int
    failed: Sequence[Failure]
    is_dry_run: bool


class Mender:
    """Replays dead letters within the bounds that new events have."""

    def __init__(self, letters: DeadLetters, writer: Writer, limits: Limits) -> None:
        self._letters = letters
        self._writer = writer
        self._limits = limits

    async def replay(
        self, tenant: Tenant, selection: Selection, edit: Edit | None, body: bytes | None, actor: str, *, dry_run: bool
    ) -> Outcome:
        """Store the chosen letters after all; `body` replaces the text of a single one. What would not do stays.

        Raises NotFound, Unavailable.
        """
        events = letters = 0
        failures: list[Failure] = []
        after: LetterId | None = None
        while page := await self._letters.letters(tenant, selection, _AT_ONCE, after):
            after = page[-1].id
            good: list[Replay] = []
            for kept in page:
                try:
                    replay = self._mended(kept.letter, edit, body)
                    await self._writer.probe(replay.load, 0, replay.load.batch.header.events)
                except (BadRequest, Refused, Corrupt) as error:
                    failures.append(Failure(letter_text(kept.id), error.message))
                else:
                    good.append(replay)
            letters += len(good)
            if dry_run:
                events += sum(replay.load.batch.header.events for replay in good)
            elif good:
                events += await self._letters.replay(tenant, good, actor)
        if not letters and not failures:
            raise NotFound("no dead letter fits that choice", hint="it may have been replayed or discarded already")
        return Outcome(events, letters, len(failures), failures[:_MAX_FAILURES], dry_run)

    def _mended(self, letter: DeadLetter, edit: Edit | None, body: bytes | None) -> Replay:
        """Raises BadRequest, Corrupt."""
        lines = [letter.body] if letter.ordinal != WHOLE_BATCH else expanded(batch_of_letter(letter)).splitlines()
        if body is not None:
            if letter.ordinal == WHOLE_BATCH:
                raise BadRequest("a whole batch cannot be replaced by one event")
            lines = [body]
        if edit is not None:
            lines = [edit.apply(line) for line in lines]
        for number, line in enumerate(lines):
            if (reason := error_of(line, self._limits)) is not None or b"\n" in line:
                raise BadRequest(f"event {number}: {reason or 'it has more than one line'}")
        first = max(0, letter.ordinal)
        return Replay((letter.batch_id, letter.ordinal), _load(letter, lines, first))


def _load(letter: DeadLetter, lines: Sequence[bytes], first: int) -> Load:
    ndjson = b"".join(line + b"\n" for line in lines)
    header = BatchHeader(
        id=letter.batch_id,
        tenant=letter.tenant,
        events=len(lines),
        size_bytes=len(ndjson),
        protocol=letter.protocol,
        received_at_us=letter.received_at_us,
        producer=letter.batch_id,
        sequence=0,
    )
    return replace(Load(Batch(header, b""), ndjson), first=first)
