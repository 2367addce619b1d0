"""The report as plain text, for a terminal or a mail."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dsaudit.exports.words import cell, groups, plain, table
from dsaudit.report import detection
from dsaudit.report.telling import (
    COUNTED,
    accepted_in_words,
    counts,
    having,
    headline,
    instants_in_words,
    left_out_in_words,
    skipped_because,
    waived_in_words,
)
from dsaudit.verdict import Status
from dsaudit.verdict import card as cards
from dsaudit.verdict.card import plural

Record = Mapping[str, Any]
WIDEST = 48  # characters of a cell


def report(result: dict[str, Any]) -> str:
    """Return a run in plain text: decision, reasons, criteria, failures with the rows of their cards, the rest."""
    verdicts = result["verdicts"]
    told = {verdict["check"]: verdict for verdict in verdicts}
    failed = [told[check] for check in result["order"] if check in told and told[check]["status"] == Status.FAIL]
    sections = [
        ("", _head(result)),
        ("Reasons", [f"{number}. {plain(one['text'])}" for number, one in enumerate(result["reasons"], 1)]),
        ("Success criteria", _table(["target", "actual", "status"], "metric", result["criteria"])),
        ("Relations", _relations(verdicts)),
        ("Causes", _causes(verdicts)),
        ("What failed", _cards(failed)),
        ("What is not known", _cards(having(verdicts, Status.ERROR, Status.INCONCLUSIVE))),
        ("What was waived or accepted", _cards(having(verdicts, Status.WAIVED))),
        ("What was not run", [f"{len(found):4}  {plain(why)}" for why, found in skipped_because(verdicts).items()]),
        (detection.TITLE, [plain(detection.in_words(result))]),
        ("Final checklist", [*map(_item, result["checklist"])]),
        ("What this report does not show", [f"- {plain(one)}" for one in [*result["limits"], *result["problems"]]]),
        ("Provenance", _provenance(result)),
    ]
    return "\n\n".join(_section(title, lines) for title, lines in sections if any(lines)) + "\n"


def _relations(verdicts: Sequence[Record]) -> list[str]:
    """Return how many children each relation has, and how many of them are orphans, over all tenants."""
    counts: dict[str, tuple[int, int]] = {}
    for one in (one for verdict in verdicts if verdict["check"] == "orphans" for one in verdict["results"]):
        if name := one["scope"].get("relation"):
            children, orphans = counts.get(name, (0, 0))
            counts[name] = (children + one["examined"], orphans + one["total"])
    rows = [[plain(name), str(children), str(orphans)] for name, (children, orphans) in counts.items()]
    return table([["relation", "children", "orphans"], *rows]) if rows else []


def _causes(verdicts: Sequence[Record]) -> list[str]:
    found = [(str(count), name) for name, count in groups(verdicts).items() if count]
    return table(found) if found else []


def card(verdict: Record) -> str:
    """Return one verdict: its claim and results, its rows, why they are so, and what would mend it."""
    lines = [*cards.text(verdict).splitlines(), f"  {plain(verdict['why'])} ({plain(verdict['check'])})"]
    if verdict["rows"]:
        names = [plain(column["name"]) for column in verdict["columns"]]
        rows = [[_short(cell(value)) for value in row] for row in verdict["rows"]]
        lines += table([names, *rows], "    ")
        more = sum(one["total"] for one in verdict["results"]) - len(rows)
        lines += [f"    {plural(more, 'more row')} in the run's private folder"] if more > 0 else []
    if verdict["causes"]:
        lines.append("  why: " + ", ".join(f"{count} {plain(code)}" for code, count in verdict["causes"].items()))
    for remedy in verdict["remedies"] if verdict["status"] in ("fail", "waived") else []:
        lines.append(f"  mend: {plain(remedy['say'])}")
        lines += [f"    | {plain(line)}" for line in remedy.get("command", "").split("\n") if line]
    return "\n".join(lines)


def _head(result: Record) -> list[str]:
    run, changes = result["run"], result.get("changes", {})
    lines = [
        f"{headline(result)}: {run['integration']} ({run['environment']})",
        ", ".join(f"{count} {COUNTED[status]}" for status, count in counts(result["verdicts"]).items()),
        f"run {run['id']}, database instant {instants_in_words(result['instant'])}",
        accepted_in_words(result),
        left_out_in_words(result),
        *waived_in_words(result),
    ]
    if changes.get("against"):
        found = ", ".join(f"{changes[name]} {name}" for name in ("new", "known", "fixed"))
        lines.append(f"rows found since the run {changes['against']}: {found}")
    return [plain(line) for line in lines if line]


def _section(title: str, lines: Sequence[str]) -> str:
    return "\n".join([title, "-" * len(title), *lines] if title else lines)


def _table(names: Sequence[str], first: str, records: Iterable[Record]) -> list[str]:
    rows = [[plain(one[name]) for name in (first, *names)] for one in records]
    return table([[first, *names], *rows]) if rows else []


def _cards(verdicts: Iterable[Record]) -> list[str]:
    return ["\n\n".join(map(card, verdicts))]


def _item(item: Record) -> str:
    mark = {"pass": "x", "fail": "!", "error": "?", "inconclusive": "?"}.get(item["status"], " ")
    owner = f" ({plain(item['owner'])})" if item["owner"] else ""
    return f"[{mark}] {plain(item['text'])}: {plain(item['status'])}{owner}"


def _provenance(result: Record) -> list[str]:
    run, instant, parameters = result["run"], result["instant"], result["parameters"]
    changed = " (with changes that are not committed)" if run["dirty"] else ""
    told = [
        (
            "database",
            f"{instant['database']} of {instant['system_identifier']}, PostgreSQL {instant['server_version']}",
        ),
        ("role", instant["role"]),
        ("commit", f"{run['commit']}{changed}"),
        ("parameters", f"{parameters['file']}, sha256 {parameters['sha256']}"),
        ("overrides", ", ".join(f"{key}={value}" for key, value in parameters["overrides"].items()) or "none"),
        ("tenants", ", ".join(run["tenants"])),
        ("versions", ", ".join(f"{name} {version}" for name, version in run["versions"].items())),
        ("digest", result["digest"]),
    ]
    return table([(name, plain(value)) for name, value in told])


def _short(text: str) -> str:
    return text if len(text) <= WIDEST else f"{text[: WIDEST - 1]}…"
