"""Holds three together: what a planter says an audit has to find, what the reference finds, and what dsaudit finds."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from inspect import getmembers, isfunction
from typing import Any

from dsaudit.checks import all_checks
from examples.answer_key import Expected, Planted
from tests.checks.auditing import all_rows, opened
from tests.faults.edits import edit
from tests.faults.reference.checks import COLUMNS, OF_SAMPLE, found
from tests.faults.reference.system import System, system

Rows = set[tuple[str, ...]]
Findings = dict[str, Rows]
IN_FLIGHT = "IN_FLIGHT"  # told, and not counted
# The modules of each sample whose faults are in what the tables hold.
DATA = {
    "storefront": ("deduplication", "accuracy", "causes", "values", "relations"),
    "discovery": ("orphans", "tenancy", "imports", "constraints"),
    "listings": ("rows",),
    "referrals": ("data",),
}


@dataclass(frozen=True)
class Disagreement:
    """Two of the three that do not say the same of a check: rows that the first has and the second lacks, and back."""

    kind: str
    seed: int
    check: str
    between: str
    more: tuple[tuple[str, ...], ...]
    less: tuple[tuple[str, ...], ...]

    def __str__(self) -> str:
        told = f"{self.kind}, seed {self.seed}: {self.check}: {self.between}"
        return f"{told}; only the first: {list(self.more)}; only the second: {list(self.less)}"


@dataclass(frozen=True)
class Held:
    """What came of holding the three together once."""

    kind: str
    seed: int
    reference: Findings
    disagreements: list[Disagreement]


def data_faults() -> list[str]:
    """All kinds of faults in what the tables hold, as sample/fault."""
    kinds = []
    for sample, modules in DATA.items():
        for name in modules:
            module = import_module(f"examples.{sample}.faults.{name}")
            own = [one for one, function in getmembers(module, isfunction) if function.__module__ == module.__name__]
            kinds += [f"{sample}/{one}" for one in own if not one.startswith("_")]
    return kinds


@contextlib.contextmanager
def another(sample: Any) -> Iterator[Any]:
    """A clone to plant in, or the sample itself, healed afterwards, where it has none."""
    if hasattr(sample, "clone"):
        with sample.clone() as clone:
            yield clone
        return
    try:
        yield sample
    finally:
        sample.heal()


def held_together(sample: Any, seed: int, *faults: str) -> Held:
    """Plant faults side by side, look with the reference before and after, and with dsaudit after."""
    kind = f"{sample.example}/{'+'.join(faults)}"
    with another(sample) as one:
        before = referred(one)
        keys = [one.plant(fault, seed=seed) for fault in faults]
        hurried(one)
        after, seen = referred(one), audited(one)
    must, may = [one for key in keys for one in key.must], [one for key in keys for one in key.may]
    planted = Planted(kind, mode=0, how="", must=must, may=may)
    apart = [*_apart(kind, seed, "reference before, and nothing", _and_nothing(before))]
    apart += against_the_key(kind, seed, planted, after)
    apart += _apart(kind, seed, "dsaudit and reference", {check: (seen[check], after[check]) for check in after})
    return Held(kind, seed, after, apart)


def held_clean(sample: Any) -> Held:
    """Look with the reference and with dsaudit at a sample in which nothing is planted: both have to find nothing."""
    reference, seen = referred(sample), audited(sample)
    both = {check: (seen[check], rows) for check, rows in reference.items()}
    apart = [*_apart(sample.example, 0, "dsaudit and reference", both)]
    apart += _apart(sample.example, 0, "reference, and nothing", _and_nothing(reference))
    return Held(sample.example, 0, reference, apart)


def held_edited(sample: Any, seed: int, count: int) -> Held:
    """Edit a clone's rows at random: without a planter who knows what is wrong, reference and dsaudit have to agree."""
    with sample.clone() as one:
        edit(one, seed, count)
        hurried(one)
        reference, seen = referred(one), audited(one)
    both = {check: (seen[check], rows) for check, rows in reference.items()}
    kind = f"{sample.example}/edited at random"
    return Held(kind, seed, reference, [*_apart(kind, seed, "dsaudit and reference", both)])


def hurried(sample: Any) -> None:
    """Wait until nothing is under way, and let the parameter file say that nothing is."""
    sample.settle()
    text = sample.parameters.read_text(encoding="utf-8")
    text = re.sub(r"in_flight_seconds: [\d.]+", "in_flight_seconds: 0", text)
    sample.parameters.write_text(text, encoding="utf-8")


def referred(sample: Any) -> Findings:
    return found(whole(sample), OF_SAMPLE[sample.example])


def whole(sample: Any) -> System:
    """All there is in a sample; refuses one whose tables are empty, in which nothing could be found."""
    one = system(sample)
    assert sum(map(len, one.export.tables.values())) > 100, "the export is as good as empty"
    return one


def audited(sample: Any) -> Findings:
    """What dsaudit finds, in the columns that the reference names its findings by."""
    with opened(sample.parameters, sample.environment, probe=False) as audit:
        if audit.parameters.source:
            assert audit.source.index  # read before the first check: the snapshot is renewed after it
        rows = {name: all_rows(audit, audit.check(name)) for name in OF_SAMPLE[sample.example]}
    return {
        name: {_in_texts(row, COLUMNS[name]) for row in listed if row.get("cause") != IN_FLIGHT}
        for name, listed in rows.items()
    }


def _in_texts(row: dict[str, object], columns: tuple[str, ...]) -> tuple[str, ...]:
    values = [row[column] for column in columns]
    return tuple("" if value is None or value != value else str(value) for value in values)


def _and_nothing(findings: Findings) -> dict[str, tuple[Rows, Rows]]:
    return {check: (rows, set()) for check, rows in findings.items()}


def _apart(kind: str, seed: int, between: str, both: dict[str, tuple[Rows, Rows]]) -> Iterator[Disagreement]:
    for check, (first, second) in both.items():
        if first != second:
            yield Disagreement(kind, seed, check, between, tuple(sorted(first - second)), tuple(sorted(second - first)))


def against_the_key(kind: str, seed: int, planted: Planted, reference: Findings) -> Iterator[Disagreement]:
    """Hold the answer key against the reference: rows and fields of each expectation, and nothing beside them."""
    told: Findings = {check: set() for check in reference}
    for expected in (one for one in planted.must if one.check in reference):
        rows = {row for row in reference[expected.check] if _is_in(row, expected)}
        told[expected.check] |= rows
        for column, wanted in ((_first_key(expected.check), expected.keys), ("field", expected.fields)):
            there: Rows = {(row[COLUMNS[expected.check].index(column)],) for row in rows} if wanted else set()
            named: Rows = {(one,) for one in wanted}
            yield from _apart(kind, seed, f"key and reference, {column}", {expected.check: (named, there)})
        if not rows:
            yield Disagreement(kind, seed, expected.check, "key and reference, any row", (("some row",),), ())
    others = {check: (told[check], rows) for check, rows in reference.items() if check not in planted.may}
    yield from _apart(kind, seed, "key and reference, beside it", others)


def _is_in(row: tuple[str, ...], expected: Expected) -> bool:
    told = dict(zip(COLUMNS[expected.check], row, strict=True))
    return all(told.get(name, value) == value for name, value in expected.scope.items())


def _first_key(check: str) -> str:
    """The first of a check's key columns, by which answer keys name rows."""
    return all_checks()[check].listed("key")[0]
