"""What the checks of migrations have in common: what was examined of a walk, and what its limits are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from dsaudit.functions import Found, Row, frames
from dsaudit.migrating import Walk
from dsaudit.migrating.model import Failure

MOST_SAID = 20  # of what could not be tried


def judged(
    found: Walk, rows: Iterable[Row], count: int, nothing: str, said: Iterable[str] = (), is_none: bool = False
) -> Found:
    """Return the rows with what was examined, and with its limits.

    Where nothing was examined, that is no proof; a failure that is told elsewhere is named then. Where all revisions
    went through and there is nothing of the kind, it is they that were examined.

    Parameters
    ----------
    count
        How many were examined.
    nothing
        Why there were none.
    said
        What else is to be told.
    is_none
        Whether it is known that there is nothing of the kind.
    """
    first = next((f"{label(one)}: {one.words}" for one in found.failures if not one.lets_others), None)
    reason = found.problem or (None if count else first or nothing)
    if reason == nothing and is_none:
        line: Row = {"examined": len(found.tried)}
        said = [nothing, *said]
    else:
        line = {"examined": count, "reason": reason}
    return limited(frames(rows, [line]), [*said, *failed(found)])


def failed(found: Walk) -> Iterator[str]:
    """Yield what failed and is judged elsewhere, and what could not be tried."""
    yield from map(told, found.failures)
    yield from found.limits


def told(one: Failure) -> str:
    """Return a failure in words, and whether other rows went through."""
    others = ", and goes through with rows that meet what it demands" if one.lets_others else ""
    return f"{label(one)}{others}: {one.words}"


def label(one: Failure) -> str:
    """Return in words which revision failed, which way and on what."""
    return f"{one.revision} {one.way} on {one.on}"


def limited(judged: Found, said: Iterable[str]) -> Found:
    """Return what was found, with its limits."""
    judged[1].attrs["limits"] = list(dict.fromkeys(said))[:MOST_SAID]
    return judged
