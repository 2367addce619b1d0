"""What the checks of migrations have in common: what was examined of a walk, and what its limits are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from dsaudit.functions import Found, Row
from dsaudit.migrating import Walk
from dsaudit.migrating.model import Failure

MOST_SAID = 20  # of what could not be tried


def examined(found: Walk, count: int, nothing: str) -> list[Row]:
    """The line for ``examined``: where nothing was, the reason; a failure told elsewhere among them."""
    first = next((f"{label(one)}: {one.words}" for one in found.failures), None)
    reason = found.problem or (None if count else first or nothing)
    return [{"examined": count, "reason": reason}]


def failed(found: Walk) -> Iterator[str]:
    """Yield what failed and is judged elsewhere, and what could not be tried."""
    yield from (f"{label(one)}: {one.words}" for one in found.failures)
    yield from found.limits


def label(one: Failure) -> str:
    """Return in words which revision failed, which way and on what."""
    return f"{one.revision} {one.way} on {one.on}"


def limited(judged: Found, said: Iterable[str]) -> Found:
    """Return what was found, with its limits."""
    judged[1].attrs["limits"] = list(dict.fromkeys(said))[:MOST_SAID]
    return judged
