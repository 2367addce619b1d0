"""The figures as Markdown: every rate with its interval, every survivor by its name."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Iterator, Sequence

from dsaudit.verdict import rates
from dsaudit.verdict.card import plural
from dsaudit.wording import inert
from tests.faults.counting import (
    LANGUAGES,
    Counts,
    by_blueprint,
    by_rival,
    killed,
    own_clean,
    own_plantings,
    survivors,
    what_was_missed,
)
from tests.faults.lines import Clean, Figures, Mutant, Rival, Trial

HEADS = (
    "kinds", "plantings", "noticed", "by the root check", "right rows", "named first", "right cause", "beside the key",
)  # fmt: skip
NOTHING_YET = "No figures have been measured yet: `make faults` measures them."
OURS = "dsaudit"


def rate(part: int, whole: int) -> str:
    """Return a rate for a cell, its interval on a line of its own: ``297 of 300<br>99.0 %, 97.1 to 99.7 %``."""
    if not whole:
        return "–"
    return f"{part} of {whole}<br>{rates.percent(part, whole)}, {rates.interval(part, whole)}"


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """Return a table, or nothing where there are no rows; columns of figures stand at the right."""
    cells = [[str(cell) for cell in row] for row in rows]
    if not cells:
        return []
    sides = [
        "---:" if all(cell[:1].isdigit() or cell == "–" for cell in column) else "---"
        for column in zip(*cells, strict=True)
    ]
    return [*(f"| {' | '.join(row)} |" for row in (head, sides, *cells)), ""]


def found(figures: Figures) -> Iterator[str]:
    """Yield what was found of each blueprint, what of it was not all right, and what survived."""
    counts = by_blueprint(figures)
    everything = {**counts, "all": Counts(figures.trials, figures.clean)} if len(counts) > 1 else counts
    yield from table(["blueprint", *HEADS], ([name, *_found(one)] for name, one in everything.items()))
    all_kinds = Counts(figures.trials, figures.clean)
    ways, hows = (_counted(getattr(one, name) for one in figures.trials) for name in ("way", "how"))
    yield (
        f"Of {plural(all_kinds.kinds, 'kind')}, {all_kinds.always_found} were found in every planting "
        f"({rates.in_words(all_kinds.always_found, all_kinds.kinds)}). Plantings: {hows}; judged in: {ways}."
    )
    yield ""
    yield from _survivors(figures)
    yield from _flawed(figures)


def _found(one: Counts) -> list[object]:
    parts = [rate(part, one.plantings) for part in (one.noticed, one.found, one.right_rows, one.named_first)]
    cause, beside = rate(one.right_cause, one.causes), rate(one.beside_the_key, one.plantings)
    return [one.kinds, one.plantings, *parts, cause, beside]


def _counted(names: Iterable[str]) -> str:
    told = list(names)
    return ", ".join(f"{told.count(name)} {name}" for name in sorted(set(told)))


def _survivors(figures: Figures) -> Iterator[str]:
    """Yield the plantings that were not found, each an open defect."""
    yield from ["### Survivors", ""]
    left = survivors(figures.trials)
    if not left:
        yield from ["None: the check that has to find it found each planting.", ""]
    yield from table(
        ["kind", "seed", "what was missed"], ([f"`{o.kind}`", o.seed, inert(what_was_missed(o))] for o in left)
    )


def _flawed(figures: Figures) -> Iterator[str]:
    """Yield the plantings that were found, but not all right."""
    rows = [
        [f"`{o.kind}`", o.seed, inert("; ".join(flaws))]
        for o in figures.trials
        if o.is_found and (flaws := [*_flaws(o)])
    ]
    if rows:
        yield from ["### Found, but not all right", "", *table(["kind", "seed", "what was not"], rows)]


def _flaws(trial: Trial) -> Iterator[str]:
    for words, checks in (
        ("also expected, and not so", trial.missed),
        ("other rows or fields", trial.wrong_rows),
        ("fails, and the key does not say so", trial.alarms),
    ):
        if checks:
            yield f"{words}: {', '.join(checks)}"
    if not trial.first_is_right:
        yield f"named first: {trial.first or 'nothing'}, not {trial.root}"
    if not trial.cause_is_right:
        yield f"cause told: {', '.join(trial.told) or 'none'}, not {trial.cause}"


def clean(figures: Figures) -> Iterator[str]:
    """Yield how often an audit of clean data was not green."""
    counts = by_blueprint(figures)
    names = {**dict.fromkeys(counts), **dict.fromkeys(one.blueprint for one in figures.clean)}
    runs = {name: [one for one in figures.clean if one.blueprint == name] for name in names}
    everything = {**runs, "all": figures.clean} if len(runs) > 1 else runs
    rows = ([name, len(own), rate(_alarmed(own), len(own))] for name, own in everything.items())
    yield from table(["blueprint", "clean runs", "false alarms"], rows)
    alarmed = [one for one in figures.clean if one.alarms]
    yield from table(
        ["kind", "seed", "alarms"], ([f"`{one.kind}`", one.seed, inert(", ".join(one.alarms))] for one in alarmed)
    )


def _alarmed(runs: Iterable[Clean]) -> int:
    return sum(bool(one.alarms) for one in runs)


def mutants(figures: Figures) -> Iterator[str]:
    """Yield how many mutants were noticed, and the survivors by their reasons, those without one first."""
    rows = []
    for language in LANGUAGES:
        made = [one for one in figures.mutants if one.language == language]
        if made:
            open_ones = sum(not (one.killed_by or one.reason) for one in made)
            rows.append(
                [
                    LANGUAGES[language],
                    len(made),
                    rate(killed(made), len(made)),
                    len(made) - killed(made) - open_ones,
                    open_ones,
                ]
            )
    yield from table(["language", "made", "noticed", "survivors with a reason", "without"], rows)
    left = [one for one in figures.mutants if not one.killed_by]
    by_reason: dict[str, list[Mutant]] = {}
    for one in sorted(left, key=lambda one: (bool(one.reason), one.reason, one.check, one.place)):
        by_reason.setdefault(one.reason, []).append(one)
    for reason, those in by_reason.items():
        yield from [f"<details><summary>{plural(len(those), 'survivor')}: {_reason(reason)}</summary>", ""]
        yield from table(
            ["check", "mutation", "place"], ([f"`{o.check}`", inert(o.mutation), f"`{o.place}`"] for o in those)
        )
        yield from ["</details>", ""]


def _reason(reason: str) -> str:
    return inert(reason) if reason else "no reason is known, so a fault that would tell is missing"


def rivals(figures: Figures) -> Iterator[str]:
    """Yield what other tools found of the same plantings, with dsaudit first."""
    own, runs = own_plantings(figures), own_clean(figures)
    ours = sum(one.is_found for one in own)
    rows = [_side(OURS, ours, len(own), ours, len(own), _alarmed(runs), len(runs), [one.seconds for one in own])]
    for name, lines in by_rival(figures.rivals).items():
        planted, unplanted = planted_and_clean(lines)
        can, seen = [one for one in planted if one.can_see], [one for one in planted if one.detected]
        alarms = sum(one.detected for one in unplanted)
        of_those = sum(one.detected for one in can)
        seconds = [one.seconds for one in planted]
        rows.append(_side(name, of_those, len(can), len(seen), len(planted), alarms, len(unplanted), seconds))
    yield from table(
        ["tool", "found of those it can see", "found of all", "false alarms in clean runs", "seconds, median"], rows
    )
    kinds = plural(len({one.kind for one in own}), "kind")
    yield f"All of the same {kinds}. The seconds of {OURS} are of planting and a whole audit; those of a tool are of"
    yield "what it asks of tables that differ from the clean clone's."
    yield ""


def _side(
    name: str, of_those: int, can: int, seen: int, planted: int, alarms: int, runs: int, seconds: Sequence[float]
) -> list[object]:
    median = f"{statistics.median(seconds):.1f}" if seconds else "–"
    return [inert(name), rate(of_those, can), rate(seen, planted), rate(alarms, runs), median]


def planted_and_clean(lines: Iterable[Rival]) -> tuple[list[Rival], list[Rival]]:
    """Return the plantings, and the runs on clean data, that a rival saw."""
    lines = list(lines)
    return [one for one in lines if not one.is_clean], [one for one in lines if one.is_clean]


def written(figures: Figures, pictures: dict[str, str]) -> list[str]:
    """Return all that is generated of the README; `pictures` are the lines that show them, by section."""
    parts: list[tuple[str, Callable[[Figures], Iterator[str]], object]] = [
        ("What was found", found, figures.trials),
        ("Clean runs", clean, figures.clean),
        ("Other tools on the same faults", rivals, figures.rivals),
        ("Checks that were broken on purpose", mutants, figures.mutants),
    ]
    lines = []
    for title, make, is_there in parts:
        shown = [pictures[title], ""] if title in pictures else []
        lines += [f"## {title}", "", *make(figures), *shown] if is_there else []
    return lines or [NOTHING_YET, ""]
