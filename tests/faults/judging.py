"""Holds what an audit said against the answer key: a pure function, for the matrix and for the tests alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from dsaudit.checks import all_checks
from dsaudit.verdict import Status, Verdict
from examples.answer_key import Expected, Planted
from tests.checks.auditing import told
from tests.faults.lines import Trial

Row = Mapping[str, object]


@dataclass(frozen=True)
class Found:
    """What an audit said of a system: verdicts, whole rows of each check, and the decision with its reasons in order.

    Only checks that ran are in it: not those that act, where the audit was not asked to.
    """

    verdicts: Mapping[str, Verdict]
    rows: Mapping[str, list[dict[str, object]]]
    decided: Mapping[str, Any]

    @property
    def first(self) -> str | None:
        """The check that the decision names first, None where nothing speaks against a GO."""
        return next((str(one["check"]) for one in self.decided["reasons"] if one["check"]), None)


def judged(kind: str, blueprint: str, planted: Planted, found: Found, way: str = "process", took: float = 0) -> Trial:
    """Return what became of a planting; `took` are seconds.

    A check of the key is missed where its status is another than the key's. It names wrong rows where those in a scope
    of the key are others than the key's, or where it names any in a scope that the key does not have. The cause is
    asked for where the check tells causes; where the key has several, each has to be told of its own rows.
    """
    by_check = {name: [*ones] for name, ones in groupby(sorted(planted.must, key=_check), key=_check)}
    must = [*dict.fromkeys(one.check for one in planted.must)]
    asked = [one for one in planted.must if one.cause and "tolerates" in all_checks()[one.check].headers]
    cause = ", ".join(sorted({one.cause for one in asked if one.cause})) or None
    told_of = [_causes(one, found.rows.get(one.check, [])) for one in asked]
    is_told = all(causes == {one.cause} for one, causes in zip(asked, told_of, strict=True))
    missed = [name for name in must if any(_status(found, name) != one.status for one in by_check[name])]
    return Trial(
        kind=kind,
        blueprint=blueprint,
        mode=planted.mode,
        how=planted.how,
        seed=planted.seed,
        way=way,
        root=must[0] if must else None,
        first=found.first,
        must=must,
        missed=missed,
        wrong_rows=[
            name
            for name in must
            if name not in missed and _names_others(by_check[name], found.rows.get(name, []), name in planted.may)
        ],
        cause=cause,
        told=[cause] if cause and is_told else sorted({one for causes in told_of for one in causes}),
        alarms=[name for name in alarms(found) if name not in {*must, *planted.may}],
        seconds=round(took, 2),
    )


def alarms(found: Found) -> list[str]:
    """Return the checks that are not green."""
    return [name for name, one in found.verdicts.items() if one.status is not Status.PASS]


def what_is_wrong(trial: Trial) -> list[str]:
    """Return in words in what a trial is not as its key has it, with the root first: nothing, where all is well."""
    said = beside_the_key(trial)
    if trial.root and trial.first != trial.root:
        said.append(f"{trial.root} is the root, named first is {trial.first or 'nothing'}")
    return said


def beside_the_key(trial: Trial) -> list[str]:
    """Return the same, but for what the decision names first."""
    said = [f"{name} does not say what the key says" for name in trial.missed]
    said += [f"{name} names other rows or fields than the key" for name in trial.wrong_rows]
    said += [f"{name} is not green and not in the key" for name in trial.alarms]
    if not trial.cause_is_right:
        said.append(f"the cause is {trial.cause}, told is {', '.join(trial.told) or 'none'}")
    return said


def in_full(trial: Trial, found: Found) -> str:
    """Return what is wrong with a trial, and the verdicts that are, for a failed assertion."""
    named = [*trial.missed, *trial.wrong_rows, *trial.alarms]
    verdicts = [told(found.verdicts[name]) for name in named if name in found.verdicts]
    return "\n".join([*what_is_wrong(trial), *verdicts])


def _check(one: Expected) -> str:
    return one.check


def _status(found: Found, name: str) -> str | None:
    return found.verdicts[name].status.value if name in found.verdicts else None


def _names_others(expected: list[Expected], rows: Iterable[Row], is_open: bool) -> bool:
    """Return whether a check names other rows or fields than its part of the key.

    Where the key leaves `keys` or `fields` out, any will do. It `is_open` where the check stands among those that may
    fail too: then more rows than the key's may follow from the fault, in its scopes and in others.
    """
    texts = [{name: str(value) for name, value in row.items()} for row in rows]
    outside = [row for row in texts if not any(_is_inside(row, one) for one in expected)]
    return bool(outside and not is_open) or any(
        _differs(one, texts, is_open) for one in expected if one.status == "fail"
    )


def _differs(one: Expected, texts: list[dict[str, str]], is_open: bool) -> bool:
    inside = [row for row in texts if one.scope.items() <= row.items()]
    # What a row is told by may take several columns: a planter names those of one of them.
    columns = all_checks()[one.check].listed("key")
    key = next((name for name in columns if one.keys and {*one.keys} <= {row.get(name) for row in inside}), columns[0])
    keys, fields = {row[key] for row in inside}, {row["field"] for row in inside if "field" in row}
    if not inside or not {*one.keys} <= keys or (one.keys and not is_open and keys != {*one.keys}):
        return True
    if one.fields and fields and not is_open:
        return fields != {*one.fields}
    return not {*one.fields} <= {value for row in inside for value in row.values()}


def _is_inside(row: Mapping[str, str], one: Expected) -> bool:
    """Return whether a row is of a scope, as far as it tells."""
    return all(row.get(name, value) == value for name, value in one.scope.items())


def _causes(one: Expected, rows: Iterable[Row]) -> set[str]:
    """Return what is said to be the cause of the rows expected."""
    texts = [{name: str(value) for name, value in row.items()} for row in rows]
    wanted = [row for row in texts if _is_inside(row, one)]
    return {row["cause"] for row in wanted if not one.keys or row["source_id"] in one.keys}
