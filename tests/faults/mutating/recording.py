"""What became of the mutants, as it is kept: the figures, and the survivors with their reasons."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from tests.faults.lines import objects
from tests.faults.mutating.mutant import Key, Mutant

FIGURES = Path(__file__).parents[1] / "figures" / "mutants.jsonl"
SURVIVORS = Path(__file__).parents[1] / "survivors.tsv"  # check, mutation, and why it lives


def survivors(path: Path = SURVIVORS) -> dict[Key, str]:
    """Return why each mutant lives that is known to."""
    _, *lines = path.read_text(encoding="utf-8").splitlines()
    parts = [line.split("\t") for line in lines]
    return {(check, mutation): reason for check, mutation, reason in parts}


def recorded(
    mutants: Iterable[Mutant], killed: Mapping[Key, str], refused: Collection[Key] = (), path: Path = FIGURES
) -> list[dict[str, Any]]:
    """Write a line for each mutant in the place of what was known of its check, and return all lines.

    One that is `refused` by PostgreSQL nobody could run by mistake: it counts neither as made nor as killed.
    """
    reasons = survivors()
    new = [
        {
            "check": one.check,
            "language": one.language,
            "mutation": one.mutation,
            "place": one.place,
            "refused": one.key in refused,
            "killed_by": [killed[one.key]] if one.key in killed else [],
            "reason": "" if one.key in killed else reasons.get(one.key, ""),
        }
        for one in mutants
    ]
    tried = {(line["check"], line["language"]) for line in new}
    kept = [line for line in known(path) if (line["check"], line["language"]) not in tried]
    lines = sorted([*kept, *new], key=lambda line: (line["language"], line["check"], line["mutation"]))
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    return lines


def known(path: Path = FIGURES) -> list[dict[str, Any]]:
    """Return the lines that are written down."""
    return objects(path)


def summary(lines: Iterable[dict[str, Any]]) -> str:
    """Tell how many mutants were made and killed, by language, and name those that live."""
    told, lines = [], [line for line in lines if not line["refused"]]
    for language in sorted({line["language"] for line in lines}):
        own = [line for line in lines if line["language"] == language]
        alive = [line for line in own if not line["killed_by"]]
        killed = len(own) - len(alive)
        told.append(f"{language}: {len(own)} made, {killed} killed ({100 * killed / len(own):.1f} %)")
        told += [
            f"  {line['place']} {line['check']}: {line['mutation']}: {line['reason'] or 'NO REASON'}" for line in alive
        ]
    return "\n".join(told)
