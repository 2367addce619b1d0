"""How long each revision locks others out of tables that are there, at three sizes and at that of the audited ones.

What a revision does to a table is seen from the rows that it read, changed or wrote anew; only where there are any can
the time grow with the table, and only then larger sizes are tried.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from dsaudit import scratch
from dsaudit.migrating.bench import Bench
from dsaudit.migrating.project import RevisionError
from dsaudit.progress import Progress

BASE = "unlocked"  # copy: before a revision
REPEATED = 3  # runs of what may be too long; the fastest counts, since a busy machine makes anything slow
ROWS = "rows"  # a lock on every row that is changed, until the end of the transaction
STRENGTH = ["AccessExclusiveLock", "ExclusiveLock", "ShareRowExclusiveLock", "ShareLock", ROWS]
SHUTS = {
    "AccessExclusiveLock": "reading and writing",
    ROWS: "changing these rows",
}
MUCH = 0.5  # of a table's rows: what looks at fewer does not grow with it

_TABLES = """
select c.oid::bigint, n.nspname || '.' || c.relname, c.relfilenode::bigint
from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
where c.relkind in ('r', 'p') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and c.relname <> %s
"""
Measured = Mapping[tuple[str, str], float]  # seconds by table and lock


@dataclass(frozen=True)
class Lock:
    """A lock that a revision held on a table: how long at each size, and how long it would at the expected one."""

    revision: str
    table: str
    mode: str
    work: str  # what it did meanwhile whose time grows with the table; empty if nothing
    seconds: dict[int, float]
    rows: int  # that are reckoned with
    extrapolated: float

    @property
    def name(self) -> str:
        """The lock as PostgreSQL's documents write it."""
        return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", self.mode.removesuffix("Lock")).lower()

    @property
    def shuts_out(self) -> str:
        """What others cannot do meanwhile."""
        return SHUTS.get(self.mode, "writing")


@dataclass
class Locks:
    """All that revisions locked; `untried` says by revision why nothing was measured."""

    tried: list[str] = field(default_factory=list)
    locks: list[Lock] = field(default_factory=list)
    untried: dict[str, str] = field(default_factory=dict)
    limits: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Run:
    """One revision on tables of one size."""

    size: int
    seconds: Measured
    work: Mapping[str, str]


def locked(bench: Bench, audited: Mapping[str, int], budget: float, show: Progress) -> Locks:
    """Apply each revision to filled tables, and return the locks that it held on those that were there.

    Parameters
    ----------
    audited
        How many rows each table has where it matters, as "schema.table".
    budget
        Seconds; what takes longer even with few rows is measured again.
    """
    found = Locks(tried=bench.tried)
    bench.apply(bench.names[: len(bench.names) - len(found.tried)])
    bench.stage.keep(BASE)
    for number, name in enumerate(found.tried, 1):
        show(f"locks: {name}, {number} of {len(found.tried)}")
        try:
            found.locks += _of(bench, name, audited, budget, found.limits)
        except RevisionError as error:
            found.untried[name] = str(error)
        bench.stage.take(BASE)
        try:
            bench.up([name])
        except RevisionError as error:
            found.untried[name] = str(error)
            break
        bench.stage.keep(BASE)
    return found


def _of(bench: Bench, name: str, audited: Mapping[str, int], budget: float, limits: list[str]) -> list[Lock]:
    first, *larger = bench.settings.sizes
    runs = [_run(bench, name, first, limits)]
    if runs[0].seconds and runs[0].work:
        runs += [_run(bench, name, size, limits) for size in larger]
    if any(_at_most(lock) > budget for lock in _judged(name, runs, audited)):
        for _ in range(1, REPEATED):
            runs = [_quicker(one, _run(bench, name, one.size, limits)) for one in runs]
    return list(_judged(name, runs, audited))


def _at_most(lock: Lock) -> float:
    """The time on so many rows, even if all of it grew with them."""
    size, seconds = max(lock.seconds.items())
    return max(lock.extrapolated, seconds * max(1.0, lock.rows / size))


def _run(bench: Bench, name: str, size: int, limits: list[str]) -> _Run:
    """Apply a revision to tables of one size."""
    bench.stage.restore(BASE)
    made = bench.stage.secure()
    scratch.fill(made, size)
    limits += [f"{name}: rows of {table}: {why}" for table, why in made.shortfalls.items()]
    return _once(bench, name, size, made.counts)


def _once(bench: Bench, name: str, size: int, counts: Mapping[str, int]) -> _Run:
    stage = bench.stage
    tables = {oid: (table, node) for oid, table, node in stage.rows(_TABLES, [stage.versions])}
    answer = bench.up([name], watched=True)
    after = {oid: node for oid, _, node in stage.rows(_TABLES, [stage.versions])}
    held: dict[tuple[str, str], float] = {}
    for lock in answer["held"]:
        if lock["relation"] in tables:
            key = tables[lock["relation"]][0], str(lock["mode"])
            held[key] = held.get(key, 0) + float(lock["seconds"])
    work: dict[str, str] = {}
    for oid, (table, node) in tables.items():
        read, changed = answer["read"].get(str(oid), (0, 0))
        told = _work(node != after.get(oid, node), read, changed, counts.get(table, 0))
        work |= {table: told} if told else {}
    return _Run(size, _strongest(held), work)


def _strongest(held: Mapping[tuple[str, str], float]) -> Measured:
    """Of each table the lock that shuts out most; a weaker one that was held longer too."""
    found: dict[tuple[str, str], float] = {}
    for table in {table for table, _ in held}:
        longest = 0.0
        for mode in STRENGTH:
            seconds = held.get((table, mode), 0.0)
            if seconds > longest:
                found[(table, mode)] = longest = seconds
    return found


def _work(is_rewritten: bool, read: int, changed: int, rows: int) -> str:
    if is_rewritten:
        return "writes the table anew"
    if rows and changed >= MUCH * rows:
        return "changes every row"
    return "reads every row" if rows and read >= MUCH * rows else ""


def _quicker(one: _Run, other: _Run) -> _Run:
    seconds = {key: min(value, other.seconds.get(key, value)) for key, value in one.seconds.items()}
    return _Run(one.size, seconds, one.work)


def _judged(name: str, runs: list[_Run], audited: Mapping[str, int]) -> Iterator[Lock]:
    # One transaction holds all its locks to the end, so the largest table that it works on decides for each of them.
    works = runs[-1].work
    for table, mode in runs[0].seconds:
        seconds = {run.size: run.seconds[(table, mode)] for run in runs if (table, mode) in run.seconds}
        rows = max([audited.get(table, 0), *(audited.get(other, 0) for other in works)])
        told = works.get(table) or next((f"{does} of {other}" for other, does in sorted(works.items())), "")
        yield Lock(name, table, mode, told, seconds, rows, _extrapolated(seconds, rows))


def _extrapolated(seconds: Mapping[int, float], rows: int) -> float:
    """The time on so many rows: what is needed anyway, and what each row adds."""
    if len(seconds) < 2:
        return min(seconds.values())
    sizes, times = np.array(list(seconds), dtype=float), np.array(list(seconds.values()))
    each, anyway = np.polyfit(sizes, times, 1)
    return max(float(anyway), 0.0) + float(each) * rows if each > 0 else float(np.median(times))
