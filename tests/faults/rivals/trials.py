"""Plants each fault in a clone, lets every rival look at it, and writes down what it saw."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import metadata, util
from pathlib import Path
from typing import Any

from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from examples import storefront
from tests.faults.rivals.contracts import datacontract_cli
from tests.faults.rivals.differing import datacompy, differ, reladiff
from tests.faults.rivals.expectations import great_expectations
from tests.faults.rivals.looking import Look, Rival, Set_up, look, set_up
from tests.faults.rivals.narrowing import of_pairs, of_rules
from tests.faults.rivals.soda import soda_core
from tests.faults.rivals.sql_tests import sql_tests

FIGURES = Path(__file__).parents[1] / "figures" / "rivals.jsonl"
CLEAN = "storefront/clean"
SQL = "dbt-style SQL tests"
SEED = 7  # of the sample in which faults are planted
# By the name of their distribution; the tests that are written by hand have none.
RIVALS: dict[str, Rival] = {
    SQL: sql_tests,
    "great_expectations": great_expectations,
    "datacontract-cli": datacontract_cli,
    "soda-core": soda_core,
    "reladiff": reladiff,
    "datacompy": datacompy,
}
MODULES = {"datacontract-cli": "datacontract", "soda-core": "soda_core"}
OF_PAIRS = ("reladiff", "datacompy")  # they compare tables; the others hold rules


def titled(rival: str) -> str:
    """A rival's name with its version."""
    return rival if rival == SQL else f"{rival} {metadata.version(rival)}"


def installed(rival: str) -> bool:
    """Whether a rival can be imported here."""
    return rival == SQL or util.find_spec(MODULES.get(rival, rival)) is not None


def narrowed(rival: str, now: Look, clean: Look) -> Look:
    """What of a system a rival may judge otherwise than on clean data."""
    return (of_pairs if rival in OF_PAIRS else of_rules)(now, clean)


def as_clean(rival: str, now: Look, clean: Look) -> bool:
    """Whether a rival has before it exactly what it had on clean data, so that it can say nothing else."""
    part = narrowed(rival, now, clean)
    judged = part.parameters.resources if rival in OF_PAIRS else part.rules
    return not judged and now.export.refused == clean.export.refused


def can_see(rival: str, now: Look, clean: Look) -> bool:
    """Whether anything of what a rival looks at is otherwise than on clean data, as found without it.

    Rules read tables, limits and counts; a comparison of tables sees what differs between the source and them.
    """
    return differ(narrowed(rival, now, clean)) if rival in OF_PAIRS else not as_clean(rival, now, clean)


def run(kinds: Sequence[str], rivals: Sequence[str], seeds: int, clean: int, figures: Path) -> None:
    """Append a line for each rival, kind and seed that `figures` does not have; rivals not installed are left out."""
    absent = [rival for rival in rivals if not installed(rival)]
    chosen = [rival for rival in rivals if rival not in absent]
    with _progress(figures) as told:
        if absent:
            told.bar.console.print(f"not installed, left out: {', '.join(absent)}")
        for seed in range(1, clean + 1):
            if told.missing(chosen, CLEAN, seed):
                _clean(chosen, seed, told)
        todo = [(kind, seed) for seed in range(1, seeds + 1) for kind in kinds]
        todo = [one for one in todo if told.missing(chosen, f"storefront/{one[0]}", one[1])]
        if todo:
            _planted(chosen, todo, told)


class Told:
    """The lines that there are, and the bar that shows how many come."""

    def __init__(self, figures: Path, bar: Progress) -> None:
        self.figures, self.bar = figures, bar
        lines = figures.read_text(encoding="utf-8").splitlines() if figures.exists() else []
        self.known = {(one["rival"], one["kind"], one["seed"]) for one in map(json.loads, lines)}

    def missing(self, rivals: Sequence[str], kind: str, seed: int) -> list[str]:
        """The rivals of which there is no line yet."""
        return [rival for rival in rivals if (titled(rival), kind, seed) not in self.known]

    def add(self, rival: str, kind: str, seed: int, **more: object) -> None:
        """Write a line at once, so that a break loses nothing."""
        self.known.add((titled(rival), kind, seed))
        self.figures.parent.mkdir(exist_ok=True)
        with self.figures.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"rival": titled(rival), "kind": kind, "seed": seed, **more}) + "\n")


@contextmanager
def _progress(figures: Path) -> Iterator[Told]:
    parts = SpinnerColumn(), TextColumn("{task.description}"), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*parts) as bar:
        yield Told(figures, bar)


def _found(rival: str, now: Look) -> tuple[set[str], float]:
    begun = time.monotonic()
    try:
        found = set(RIVALS[rival](now))
    except Exception as error:  # whatever it ends with, its user sees it
        found = {f"{type(error).__name__}: {error}"}
    return found, round(time.monotonic() - begun, 1)


def _clean(rivals: Sequence[str], seed: int, told: Told) -> None:
    """What a rival finds on clean data is its set-up's false alarm."""
    with storefront.running(seed=seed, cloneable=False) as sample, set_up(sample) as known:
        now = look(sample, known)
        for rival in told.missing(rivals, CLEAN, seed):
            found, seconds = _found(rival, now)
            told.add(rival, CLEAN, seed, detected=bool(found), can_see=True, seconds=seconds)
            _say(told, rival, f"clean, seed {seed}", found)


def _planted(rivals: Sequence[str], todo: Sequence[tuple[str, int]], told: Told) -> None:
    with storefront.running(seed=SEED) as sample, sample.clone() as clone, set_up(clone) as known:
        clean = look(clone, known)
        before = {rival: _found(rival, clean)[0] for rival in rivals}
        for kind, seed in told.bar.track(todo, description="plantings"):
            with sample.clone() as other:
                _one(other, kind, seed, known, clean, before, told)


def _one(clone: Any, kind: str, seed: int, known: Set_up, clean: Look, before: dict[str, set[str]], told: Told) -> None:
    clone.plant(kind, seed)
    clone.settle()
    now = look(clone, known)
    for rival in told.missing(list(before), f"storefront/{kind}", seed):
        found, seconds = (
            (before[rival], 0.0) if as_clean(rival, now, clean) else _found(rival, narrowed(rival, now, clean))
        )
        worse = found - before[rival]
        told.add(
            rival,
            f"storefront/{kind}",
            seed,
            detected=bool(worse),
            can_see=can_see(rival, now, clean),
            seconds=seconds,
        )
        _say(told, rival, f"{kind}, seed {seed}", worse)


def _say(told: Told, rival: str, where: str, found: set[str]) -> None:
    first = min(found, default="")
    told.bar.console.print(f"{where}: {rival}: {f'{len(found)}: {first:.120}' if found else 'nothing'}", markup=False)
