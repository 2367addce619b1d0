"""Tries mutants on a system as it is now: what each says, held against what its check says."""

from __future__ import annotations

import re
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from dsaudit.audit import Audit
from dsaudit.audit.gathering import gather
from dsaudit.audit.judging import judge
from dsaudit.checks import Check, all_checks, plan_check
from dsaudit.verdict import Status
from tests.faults.mutating.mutant import Key, Mutant, in_place

Said = dict[Any, Any]  # what a check says, by scope: see `said`
KEPT = re.compile(r"""(?:\.kept(?:\.\w+\(|\[)|\.once\()["']([\w ]+)""")  # what a check's module names as it keeps it
TIME = re.compile(r"[\d.,]+(?= ms\b)")  # measured anew each time, and alike twice by chance alone
PATIENCE = 15  # seconds, for a mutant that never ends


@dataclass
class Tried:
    """Which mutants said something else, and which PostgreSQL refused; each by its key."""

    killed: set[Key] = field(default_factory=set)
    refused: set[Key] = field(default_factory=set)


def said(audit: Audit, check: Check, scopes: list[dict[str, str]]) -> Said:
    """Return for each scope the status, and what was examined and observed; for all, the keys of the rows."""
    forget(audit, check)
    evidence = gather(audit, check, scopes)
    results = judge(check, scopes, evidence, audit.parameters, audit._source_count)
    names = [*check.scope, *check.listed("key")]
    rows = Counter(tuple(str(row.get(name)) for name in names) for row in evidence.rows.to_dict("records"))
    told: Said = {"rows": rows}
    for one in results:
        scope = tuple(one.scope.items())
        told["status", scope] = one.status
        told["seen", scope] = one.examined, one.total, TIME.sub("", one.observed), one.expected, one.reason
    return told


def forget(audit: Audit, check: Check) -> None:
    """Drop what the check's own module keeps: a mutant that is handed what the check found says the same."""
    names = set() if check.is_query else set(KEPT.findall(check.path.read_text(encoding="utf-8")))
    for kept in (audit.kept, audit.code.memory if audit.parameters.code else {}):
        for name in names & set(kept):
            del kept[name]


def tried(audit: Audit, mutants: list[Mutant], key: set[str] | None) -> Tried:
    """Try the mutants of the checks that a fault's answer key names, or all of them where nothing was planted.

    What does not come out alike twice of the check itself tells nothing.
    """
    found = Tried()
    for name, group in groupby(mutants, key=lambda one: one.check):
        check = all_checks()[name]
        planned = plan_check(check, audit.parameters, audit.phase)
        if planned.skipped or (key is not None and name not in key):
            continue
        own, again = (said(audit, check, planned.scopes) for _ in range(2))
        stable = {part for part, value in own.items() if again.get(part) == value}
        for mutant in group:
            told = _said_by(mutant, audit, check, planned.scopes)
            if key is None and mutant.language == "sql" and Status.ERROR in told.values():
                found.refused.add(mutant.key)
            elif set(told) != set(own) or any(told[part] != own[part] for part in stable):
                found.killed.add(mutant.key)
    return found


def _said_by(mutant: Mutant, audit: Audit, check: Check, scopes: list[dict[str, str]]) -> Said:
    """Return what a mutant says: nothing, if it takes too long, as one that returns millions of rows may."""
    try:
        with in_place(check, mutant) as changed, limited():
            return said(audit, changed, scopes)
    except TimeoutError:
        return {}


@contextmanager
def limited() -> Iterator[None]:
    """Have what takes too long fail, as whatever else goes wrong in a check."""

    def give_up(*_: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(PATIENCE)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
