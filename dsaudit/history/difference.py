"""What differs between two runs, in sentences, and whether anything got worse."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dsaudit.exports.words import cell, plain
from dsaudit.history import changes
from dsaudit.history.runs import HistoryError
from dsaudit.verdict import Status
from dsaudit.verdict.card import plural
from dsaudit.verdict.causes import EXPECTED

Record = dict[str, Any]
DECISIONS = ("GO", "INCONCLUSIVE", "NO-GO")  # from best to worst
COLOURS = ("red", "unknown", "green", "otherwise")
MOST_ROWS = 20
MOST_ALIKE, FIRST = 8, 5  # checks that changed alike and are told one by one; of more, how many are named


@dataclass(frozen=True)
class Line:
    """One difference; `worse` where the later run is."""

    section: str
    words: str
    worse: bool = False


def difference(before: Record, now: Record) -> list[Line]:
    """Return what differs between two runs of a system.

    Raises
    ------
    HistoryError
        They are of different systems or blueprints.
    """
    for name in ("integration", "blueprint"):
        if before["run"][name] != now["run"][name]:
            ours = [plain(run["run"][name]) for run in (before, now)]
            raise HistoryError(f"one run is of the {name} {ours[0]}, the other of {ours[1]}: they cannot be compared")
    return [line for part in (_decision, _criteria, _checks, _rows, _made) for line in part(before, now)]


def _decision(before: Record, now: Record) -> Iterator[Line]:
    was, is_ = before["decision"], now["decision"]
    if was != is_:
        yield Line("Decision", f"{was} became {is_}", DECISIONS.index(is_) > DECISIONS.index(was))
    for run in (before, now):
        if run["limits"]:
            yield Line(
                "Decision", f"{plain(run['run']['id'])} looked at a part only: {plain('; '.join(run['limits']))}"
            )


def _criteria(before: Record, now: Record) -> Iterator[Line]:
    was = {one["id"]: one for one in before["criteria"]}
    for one in now["criteria"]:
        old = was.get(one["id"])
        if old and (old["status"], old["actual"]) != (one["status"], one["actual"]):
            told = f"{plain(one['metric'])}: {plain(old['actual'])} ({old['status']}) became {plain(one['actual'])}"
            yield Line("Criteria", f"{told} ({one['status']})", _is_worse(old["status"], one["status"]))


def _checks(before: Record, now: Record) -> Iterator[Line]:
    """Yield the checks whose status changed: those that became red first, then unknown, green, and the rest."""
    was, is_ = ({one["check"]: one["status"] for one in run["verdicts"]} for run in (before, now))
    changed: dict[tuple[str, str], list[str]] = {}
    for name in [*is_, *(name for name in was if name not in is_)]:
        if was.get(name) != is_.get(name):
            changed.setdefault((was.get(name, ""), is_.get(name, "")), []).append(name)
    for (old, new), names in sorted(changed.items(), key=lambda item: (COLOURS.index(_colour(item[0][1])), item[0])):
        if not new:
            verbs, words, worse = (" is", " are"), f"no longer audited: {old} before", old in changes.DECIDED
        elif not old:
            verbs, words, worse = (" is", " are"), f"new: {new}", new == Status.FAIL
        else:
            words, worse = f"{_colour(new)}: {old}, now {new}", _is_worse(old, new)
            verbs = (" became", " became")
        yield from (Line("Checks", f"{told} {words}", worse) for told in _told(names, *verbs))


def _told(names: list[str], verb: str, of_many: str) -> Iterator[str]:
    """Yield each name with its verb, or of many alike one line."""
    if len(names) <= MOST_ALIKE:
        yield from (f"{plain(name)}{verb}" for name in names)
        return
    first = ", ".join(map(plain, names[:FIRST]))
    yield f"{plural(len(names), 'check')} ({first} and {len(names) - FIRST} more){of_many}"


def _colour(status: str) -> str:
    told = {Status.FAIL: "red", Status.PASS: "green", Status.ERROR: "unknown", Status.INCONCLUSIVE: "unknown"}
    return told.get(Status(status), "otherwise") if status else "otherwise"


def _is_worse(old: str, new: str) -> bool:
    return Status(new).rank > Status(old).rank


def _rows(before: Record, now: Record) -> Iterator[Line]:
    keys = sorted(changes.keys(before) | changes.keys(now))
    if len(keys) > 1:
        yield Line("Rows", f"not compared: they are named under different mask keys ({', '.join(map(plain, keys))})")
        return
    was = {one["check"]: one for one in before["verdicts"]}
    verdicts = {one["check"]: one for one in now["verdicts"]}
    for name, counts in changes.against(now, before).items():
        if name not in was or was[name]["status"] not in changes.DECIDED:
            counts = {**counts, "fixed": 0}
            told = "nothing to compare with: the check did not decide before"
            yield Line("Rows", f"{plain(name)}: {plural(counts['new'] + counts['known'], 'row')}, {told}")
            continue
        told = ", ".join(f"{counts[kind]} {kind}" for kind in ("new", "known", "fixed"))
        yield Line("Rows", f"{plain(name)}: {told}", counts["new"] > 0)
        for kind, verdict, other in (("new", verdicts[name], was[name]), ("fixed", was[name], verdicts[name])):
            if counts[kind]:
                yield from (Line("Rows", f"  {kind}: {row}") for row in _named(verdict, other, counts[kind]))


def _named(verdict: Record, other: Record, count: int) -> Iterator[str]:
    """Yield the keys of the rows that one verdict has and another has not, masked as on its card."""
    places = [place for place, column in enumerate(verdict["columns"]) if column["role"] in ("scope", "key")]
    names = [column["name"] for column in verdict["columns"]]
    rows = verdict["rows"]
    if "cause" in names and verdict["causes"]:  # what is no fault has no finding
        rows = [row for row in rows if row[names.index("cause")] not in EXPECTED]
    own = [
        row for row, finding in zip(rows, verdict["findings"], strict=False) if finding not in set(other["findings"])
    ]
    for row in own[:MOST_ROWS]:
        yield ", ".join(f"{plain(names[place])} {cell(row[place])}" for place in places)
    more = count - len(own[:MOST_ROWS])
    if more > 0:
        yield f"{plural(more, 'row')} more"


def _made(before: Record, now: Record) -> Iterator[Line]:
    """Yield what else differs: a change of what is asked may look like one of what is there."""
    pairs = {
        "Parameters": [(_flat(run["parameters"].get("values", {})) | _given(run)) for run in (before, now)],
        "Code": [_code(run) for run in (before, now)],
        "Database": [_database(run) for run in (before, now)],
    }
    yield from _plan(before, now)
    for section, (was, is_) in pairs.items():
        for name in [*was, *(name for name in is_ if name not in was)]:
            if was.get(name) != is_.get(name):
                old, new = (plain(side[name]) if name in side else "nothing" for side in (was, is_))
                yield Line(section, f"{plain(name)}: {old}, now {new}")


def _plan(before: Record, now: Record) -> Iterator[Line]:
    was, is_ = ({one["check"]: one["skipped"] or "planned" for one in run["plan"]} for run in (before, now))
    changed: dict[tuple[str, str], list[str]] = {}
    for name in [*was, *(name for name in is_ if name not in was)]:
        if was.get(name) != is_.get(name):
            changed.setdefault((was.get(name, "nothing"), is_.get(name, "nothing")), []).append(name)
    for (old, new), names in changed.items():
        yield from (Line("Plan", f"{told} {plain(old)}, now {plain(new)}") for told in _told(names, ":", ":"))


def _given(run: Record) -> dict[str, str]:
    parameters = run["parameters"]
    overrides = {f"--set {key}": str(value) for key, value in parameters["overrides"].items()}
    return {"sha256 of the file": parameters["sha256"], **overrides}


def _flat(value: Any, name: str = "") -> dict[str, str]:
    if isinstance(value, Mapping) and value:
        found: dict[str, str] = {}
        for key, inner in value.items():
            found |= _flat(inner, f"{name}.{key}" if name else str(key))
        return found
    return {name: str(value)} if name else {}


def _code(run: Record) -> dict[str, str]:
    told = run["run"]
    return {"commit": str(told["commit"]), "not committed": str(told["dirty"]), **told["versions"]}


def _database(run: Record) -> dict[str, str]:
    names = ("system_identifier", "database", "server_version", "role", "replica")
    return {name: str(run["instant"].get(name)) for name in names}
