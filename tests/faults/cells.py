"""The matrix of faults and checks: a row for each kind, a state for each check that says anything of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

from tests.faults.lines import Trial


class State(IntEnum):
    """What a check said of a kind of fault; over several plantings the worst counts, which is the highest."""

    FOLLOWS = 1
    ROOT = 2
    BESIDE = 3
    MISSED = 4


@dataclass(frozen=True)
class Row:
    """A kind of fault over all its plantings."""

    name: str
    mode: int
    root: str
    cells: dict[str, State]
    wrong: str  # which checks missed it (×) or alarmed (!), and in how many plantings


@dataclass(frozen=True)
class Matrix:
    """The kinds of a blueprint by mode, and the checks by the first row that names them."""

    rows: list[Row]
    checks: list[str]


def matrix(trials: Iterable[Trial]) -> Matrix:
    """Return the matrix of one blueprint; a check that is no root has a column only where it missed or alarmed."""
    kinds: dict[str, list[Trial]] = {}
    for trial in trials:
        kinds.setdefault(trial.kind, []).append(trial)
    ordered = sorted(kinds.items(), key=lambda item: (item[1][0].mode == 0, item[1][0].mode, item[0]))
    rows = [_row(kind, plantings) for kind, plantings in ordered]
    roots = dict.fromkeys(row.root for row in rows if row.root)
    bad = (check for row in rows for check, state in row.cells.items() if state >= State.BESIDE)
    checks = list(dict.fromkeys([*roots, *bad]))
    shown = [{check: state for check, state in row.cells.items() if check in checks} for row in rows]
    return Matrix([replace(row, cells=cells) for row, cells in zip(rows, shown, strict=True)], checks)


def _row(kind: str, plantings: Sequence[Trial]) -> Row:
    cells: dict[str, State] = {}
    for check, state in (cell for one in plantings for cell in _cells(one)):
        cells[check] = max(state, cells.get(check, state))
    first = plantings[0]
    return Row(kind.partition("/")[2], first.mode, first.root or "", cells, "; ".join(_wrong(plantings)))


def _cells(trial: Trial) -> Iterator[tuple[str, State]]:
    for check in trial.must:
        state = State.ROOT if check == trial.root else State.FOLLOWS
        yield check, State.MISSED if check in trial.missed else state
    for check in trial.alarms:
        yield check, State.BESIDE


def _wrong(plantings: Sequence[Trial]) -> Iterator[str]:
    """Yield which checks missed or alarmed, and in how many of the plantings."""
    missed, alarms = ([getattr(one, name) for one in plantings] for name in ("missed", "alarms"))
    for sign, named in (("×", missed), ("!", alarms)):
        for check in dict.fromkeys(check for checks in named for check in checks):
            times = sum(check in checks for checks in named)
            yield f"{sign} {check}, {times} of {len(plantings)}"
