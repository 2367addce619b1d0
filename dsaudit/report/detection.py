"""This audit's own detection rate: what it found of faults that were planted to try it, and what it missed.

The figures are those of ``detection.json``, which `make faults` writes; `tests/faults/README.md` tells how. A run keeps
those of its blueprint in its result, so that its report says the same for ever.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dsaudit.evidence.provenance import finder
from dsaudit.report.sections import unbroken
from dsaudit.report.telling import Record
from dsaudit.verdict import Status, rates
from dsaudit.verdict.card import plural, thousands, words

TITLE = "This audit's own detection rate"
FILE = Path(__file__).with_name("detection.json")
MOST_SURVIVORS = 12  # lines; the rest is folded


def measured(blueprint: str, file: Path = FILE) -> dict[str, Any] | None:
    """Return what was measured of a blueprint, for the result of a run of it, or None.

    ``is_same_code`` says whether the code that finds is, to the letter, the one that was measured.
    """
    told = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    if blueprint not in told.get("blueprints", {}):
        return None
    general = {name: told[name] for name in ("measured", "version", "mutants")}
    return {**general, "is_same_code": told["code"] == finder(), **told["blueprints"][blueprint]}


def section(result: Record) -> str:
    """Return the content of the report's section."""
    found = result.get("detection")
    if not found:
        return f"<p>{words(_not_measured(result))}.</p>"
    lines = "".join(f"<li><b>{words(first)}</b>{unbroken(rest)}.</li>" for first, rest in _lines(found))
    return "\n".join(
        [
            "<p>To try this audit, faults were planted in a sample of such a system, one at a time. Which check has to "
            "find each, and at which rows, was written down first; what was wrong of that was mended, and planted "
            "again.</p>",
            f"<ul>{lines}</ul>",
            f"<p>{_told(found, result)}</p>",
            _survivors(found),
            "<p>Of kinds of faults that nobody planted, nothing is known.</p>",
        ]
    )


def in_short(result: Record) -> str:
    """Return the rate with its link, for the first screen, or nothing where it was not measured."""
    found = result.get("detection")
    if not found:
        return ""
    share = rates.percent(found["detected"], found["plantings"])
    other = "" if _is_current(found, result) else ", measured with other code"
    return f'<a href="#ds-detection">{share} of planted faults found</a>{other}'


def in_words(result: Record) -> str:
    """Return the whole of it as one line of text."""
    found = result.get("detection")
    if not found:
        return _not_measured(result)
    (first, rest), (alarms, runs), *_ = _lines(found)
    kinds = dict.fromkeys(one["kind"] for one in found["survivors"])
    missed = f"; it is known to miss {', '.join(kinds)}" if kinds else ""
    told = [f"{first}{rest}", f"{alarms[:1].lower()}{alarms[1:]}{runs}{missed}", _when(found, result)]
    return "; ".join(filter(None, [*told, _unlooked(found, result)]))


def _not_measured(result: Record) -> str:
    version = result["run"].get("versions", {}).get("dsaudit", "")
    blueprint = result["run"]["blueprint"]
    return f"It has not been measured for the blueprint {blueprint} of this version of dsaudit, {version}".rstrip(", ")


def _lines(found: Record) -> Iterator[tuple[str, str]]:
    """Yield each figure as its weighty words and the rest; all of it is text."""
    plantings, clean, alarms = found["plantings"], found["clean_runs"], found["false_alarms"]
    yield (
        f"{thousands(found['detected'])} of {plural(plantings, 'planted fault')}",
        f" of {plural(found['kinds'], 'kind')} were found ({rates.in_words(found['detected'], plantings)})",
    )
    raised = f"A false alarm in {thousands(alarms)} of" if alarms else "No false alarm in"
    runs = f" {plural(clean, 'clean run')} ({rates.in_words(alarms, clean)})"
    yield (raised, runs) if clean else ("False alarms", " were not looked for: there was no clean run")
    first, causes, right = found["named_first"], found["causes"], found["right_cause"]
    yield (
        f"{thousands(first)} of {thousands(plantings)}",
        f" had the check named first that has to find them ({rates.in_words(first, plantings)})",
    )
    if causes:
        yield (
            f"{thousands(right)} of {thousands(causes)}",
            f" had the right cause told ({rates.in_words(right, causes)})",
        )
    made, killed = (sum(one[name] for one in found["mutants"].values()) for name in ("made", "killed"))
    if made:
        yield (
            f"{thousands(killed)} of {thousands(made)} ways",
            f" to break a check, of all blueprints, were noticed ({rates.in_words(killed, made)})",
        )


def _survivors(found: Record) -> str:
    """Return what is known to be missed, the seeds of one kind together."""
    seeds: dict[tuple[str, str], list[str]] = {}
    for one in found["survivors"]:
        seeds.setdefault((one["kind"], one["what"]), []).append(str(one["seed"]))
    if not seeds:
        return "<p>Nothing that was planted is known to be missed.</p>"
    lines = [
        f"<li><code>{words(kind)}</code>, {'seed' if len(those) == 1 else 'seeds'} {words(', '.join(those))}: "
        f"{words(what)}</li>"
        for (kind, what), those in seeds.items()
    ]
    shown, rest = lines[:MOST_SURVIVORS], lines[MOST_SURVIVORS:]
    more = f"<details><summary>{len(rest)} more</summary><ul>{''.join(rest)}</ul></details>" if rest else ""
    return f"<h3>What this audit is known to miss</h3><ul>{''.join(shown)}</ul>{more}"


def _is_current(found: Record, result: Record) -> bool:
    return bool(found["is_same_code"]) and found["version"] == _version(result)


def _version(result: Record) -> str:
    return str(result["run"].get("versions", {}).get("dsaudit", "not known"))


def _told(found: Record, result: Record) -> str:
    """Return when it was measured and what this run looked for less; what weakens the figures is bold."""
    when, less = (words(f"{told[:1].upper()}{told[1:]}.") for told in (_when(found, result), _unlooked(found, result)))
    when = when if _is_current(found, result) else f"<b>{when}</b>"
    return f"{when} <b>{less}</b>" if _unlooked(found, result) else when


def _when(found: Record, result: Record) -> str:
    """Return when and with what it was measured, and in what that is another code than this run's."""
    when = f"measured on {found['measured']} with dsaudit {found['version']}"
    if _is_current(found, result):
        return f"{when}, the code of this run"
    if found["version"] != _version(result):
        return f"{when}; this run is of {_version(result)}, whose checks may find more or less"
    return f"{when}; what finds has changed since, so this run may find more or less"


def _unlooked(found: Record, result: Record) -> str:
    """Return for how many kinds the check that has to find them did not run here, or nothing."""
    ran = {one["check"] for one in result["verdicts"] if one["status"] != Status.SKIPPED}
    left = [check for check in found["checks"] if check not in ran]
    kinds = sum(found["checks"][check] for check in left)
    few = f"{len(left)} of the {plural(len(found['checks']), 'check')} that have to find them"
    return f"in this run {few} did not run: for {plural(kinds, 'kind')} nobody looked" if left else ""
