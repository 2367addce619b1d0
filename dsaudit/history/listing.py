"""The history of a system as a table, and what is wrong with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dsaudit.evidence import chain, manifest, signing_off
from dsaudit.evidence.manifest import Manifest
from dsaudit.exports.words import plain, table
from dsaudit.history import runs
from dsaudit.history.runs import HistoryError
from dsaudit.report.telling import COUNTED

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

HEAD = ("no.", "run", "ended", "decision", "checks", "new", "known", "fixed", "evidence", "signed off")
MOST_NAMED = 3


@dataclass(frozen=True)
class History:
    """The runs, the newest first, one line each under `HEAD`; what is wrong with them; what else there is to know."""

    lines: list[tuple[str, ...]]
    faults: list[str]
    remarks: list[str] = field(default_factory=list)


def history(reports: Path, command: str = "dsaudit run FILE", keys: Sequence[Ed25519PublicKey] = ()) -> History:
    """Return the history that a folder of runs holds; `command` is what a run that broke off is gone on with.

    A sign-off that none of `keys` proves is told as such.

    Raises
    ------
    HistoryError
        There is no run in it.
    """
    found = runs.folders(reports)
    faults = [plain(fault.words) for fault in chain.faults(reports)]
    left = runs.unfinished(reports)
    if not found and not faults and not left:
        raise HistoryError(f"{reports}: there is no run")
    lines = []
    for folder in found:
        sealed = runs.manifest_of(folder)
        changed = runs.edited(folder, sealed) if sealed else []
        if changed:
            named = ", ".join(plain(name) for name in changed[:MOST_NAMED])
            more = f" and {len(changed) - MOST_NAMED} more" if len(changed) > MOST_NAMED else ""
            faults.append(f"{folder.name} was edited: not as its manifest lists them are {named}{more}")
        lines.append(_line(folder, sealed, bool(changed), keys))
    remarks = [f"under way or broken off: {plain(one.name)}; go on with: {command} --resume {one}" for one in left]
    return History(lines, faults, remarks)


def plain_table(told: History) -> str:
    """Return the lines as a table without colours."""
    return "\n".join(table([HEAD, *told.lines], ""))


def _line(folder: Path, sealed: Manifest | None, is_edited: bool, keys: Sequence[Ed25519PublicKey]) -> tuple[str, ...]:
    try:
        result = runs.load(folder)
    except HistoryError:
        result = {}
    run: Any = result.get("run", {})
    ended = run.get("ended") or (sealed.run.ended if sealed else "")
    decision = result.get("decision") or (sealed.decision if sealed else "not known")
    part = " (part)" if result.get("limits") else ""
    changes = result.get("changes") or {}
    changed = ["" if changes.get("against") is None else str(changes[name]) for name in ("new", "known", "fixed")]
    number = str(sealed.number) if sealed else ""
    state = ", ".join(_states(folder, sealed, is_edited))
    return (
        number,
        folder.name,
        _moment(ended),
        plain(decision) + part,
        _counts(result),
        *changed,
        state,
        _signed(folder, keys),
    )


def _counts(result: dict[str, Any]) -> str:
    told = Counter(verdict["status"] for verdict in result.get("verdicts", []))
    return ", ".join(f"{told[status]} {word}" for status, word in COUNTED.items() if told[status])


def _states(folder: Path, sealed: Manifest | None, is_edited: bool) -> Iterator[str]:
    if is_edited:
        yield "EDITED"
    elif sealed:
        yield "signed" if (folder / manifest.STATEMENT).is_file() else "sealed"
    else:
        yield "not sealed"
    if runs.is_pruned(folder):
        yield "pruned"


def _signed(folder: Path, keys: Sequence[Ed25519PublicKey]) -> str:
    """Return who signed off: that it was they is proven under their keys only."""
    return ", ".join(
        f"{one.verb} by {plain(one.by)}{'' if opened.proven else ' (unproven)'}"
        for one, opened in signing_off.told(folder, keys)
    )


def _moment(instant: object) -> str:
    try:
        return f"{datetime.fromisoformat(str(instant)).astimezone(UTC):%Y-%m-%d %H:%M}"
    except ValueError:
        return plain(instant)
