"""From lines to figures: what was found of each blueprint, what survived, and the record that reports carry."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tests.faults.lines import Clean, Figures, Mutant, Rival, Trial

BLUEPRINTS = ("datasource", "background_sync", "data_integrity", "partial_import")  # in the order of the README
LANGUAGES = {"sql": "SQL", "python": "Python"}


@dataclass(frozen=True)
class Counts:
    """How many plantings of a blueprint came out how, and how many clean runs were not clean."""

    trials: Sequence[Trial]
    clean: Sequence[Clean]

    @property
    def plantings(self) -> int:
        return len(self.trials)

    @property
    def kinds(self) -> int:
        return len({one.kind for one in self.trials})

    @property
    def always_found(self) -> int:
        """Return how many kinds were found in each planting."""
        return self.kinds - len({one.kind for one in self.trials if not one.is_found})

    @property
    def noticed(self) -> int:
        return sum(one.is_noticed for one in self.trials)

    @property
    def found(self) -> int:
        return sum(one.is_found for one in self.trials)

    @property
    def right_rows(self) -> int:
        return sum(one.has_right_rows for one in self.trials)

    @property
    def named_first(self) -> int:
        return sum(one.is_named_first for one in self.trials)

    @property
    def causes(self) -> int:
        """Return how many plantings have a cause in their key that a check tells."""
        return sum(one.cause is not None for one in self.trials)

    @property
    def right_cause(self) -> int:
        return sum(one.has_right_cause for one in self.trials)

    @property
    def beside_the_key(self) -> int:
        """Return in how many plantings a check failed that has nothing to do with the fault."""
        return sum(bool(one.alarms) for one in self.trials)

    @property
    def false_alarms(self) -> int:
        return sum(bool(one.alarms) for one in self.clean)


def by_blueprint(figures: Figures) -> dict[str, Counts]:
    """Return the counts of each blueprint of which there is a planting, by its name."""
    found = {one.blueprint for one in figures.trials}
    names = [*(name for name in BLUEPRINTS if name in found), *sorted(found - {*BLUEPRINTS})]
    return {
        name: Counts(
            [one for one in figures.trials if one.blueprint == name],
            [one for one in figures.clean if one.blueprint == name],
        )
        for name in names
    }


def survivors(trials: Iterable[Trial]) -> list[Trial]:
    """Return the plantings that were not found."""
    return [one for one in trials if not one.is_found]


def what_was_missed(trial: Trial) -> str:
    """Return in words what a planting that was not found left unsaid."""
    told = f"{', '.join(trial.missed)} did not tell of it"
    return f"{told}; a check that follows from it did" if trial.is_noticed else told


def killed(mutants: Iterable[Mutant]) -> int:
    """Return how many mutants something noticed."""
    return sum(bool(one.killed_by) for one in mutants)


def own_plantings(figures: Figures) -> list[Trial]:
    """Return dsaudit's trials of what the rivals saw too, each once; all of those kinds where the seeds are others."""
    seen = {(one.kind, one.seed) for one in figures.rivals if not one.is_clean}
    same = {(one.kind, one.seed): one for one in figures.trials if (one.kind, one.seed) in seen}
    return list(same.values()) or [one for one in figures.trials if one.kind in {kind for kind, _ in seen}]


def own_clean(figures: Figures) -> list[Clean]:
    """Return dsaudit's clean runs of the systems that the rivals saw."""
    systems = {one.kind.partition("/")[0] for one in figures.rivals}
    return [one for one in figures.clean if one.kind in systems]


def by_rival(rivals: Iterable[Rival]) -> dict[str, list[Rival]]:
    """Return the lines of each rival by its name, the one that found most first."""
    found: dict[str, list[Rival]] = {}
    for one in rivals:
        found.setdefault(one.rival, []).append(one)
    most = {name: sum(one.detected and not one.is_clean for one in lines) for name, lines in found.items()}
    return {name: found[name] for name in sorted(found, key=lambda name: (-most[name], name))}


def record(figures: Figures) -> dict[str, Any]:
    """Return what reports carry: the counts of each blueprint, and of the mutants of both languages."""
    of = {language: [one for one in figures.mutants if one.language == language] for language in LANGUAGES}
    return {
        "blueprints": {name: _blueprint(counts) for name, counts in by_blueprint(figures).items()},
        "mutants": {language: {"made": len(made), "killed": killed(made)} for language, made in of.items()},
    }


def _blueprint(counts: Counts) -> dict[str, Any]:
    roots = {(one.kind, one.root) for one in counts.trials if one.root}
    return {
        "kinds": counts.kinds,
        "plantings": counts.plantings,
        "detected": counts.found,
        "named_first": counts.named_first,
        "causes": counts.causes,
        "right_cause": counts.right_cause,
        "clean_runs": len(counts.clean),
        "false_alarms": counts.false_alarms,
        "survivors": [
            {"kind": one.kind, "seed": one.seed, "what": what_was_missed(one)} for one in survivors(counts.trials)
        ],
        "checks": dict(sorted(Counter(root for _, root in roots).items())),  # of how many kinds each is the root
    }
