"""Compares a table with its copy in another PostgreSQL: the servers hash, and only what differs comes over the line.

Two levels: a checksum for each segment of keys, then key and hash of the rows in segments that differ. The rows whose
hashes differ are compared by value, as in `compare`, which also takes over where the two cannot hash alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pandas as pd

from dsaudit.database import QueryError, ShortRead
from dsaudit.parameters.fields import FieldOf, FieldType
from dsaudit.reconcile.compare import MOST_KEPT, Comparison, compare, cut, one_instant, problems_of, values_apart
from dsaudit.reconcile.forms import Column, quoted, shown
from dsaudit.reconcile.inputs import INTEGERS, Table, Task
from dsaudit.reconcile.values import at_source
from dsaudit.source.reading import parse

SEGMENT = 250  # rows; what differs is scattered, and every segment that differs is read row by row
MOST_ROWS = 200_000  # whose keys and hashes are held at one time
MOST_NAMED = 5000  # keys that one query asks for
# PostgreSQL hashes these by value. Others go as text, byte by byte: a type of its own idea of equality (char(n),
# citext, interval), a collation that takes two texts for one, or no hash at all (json, xml, point).
HASHED = {*INTEGERS, "numeric", "boolean", "date", "timestamp with time zone", "timestamp without time zone"}
HASHED |= {"uuid", "jsonb", "bytea", "real", "double precision"}
# A group for every segment: the planner takes it for a group for every row, and would sort them all.
PLANNER = {"enable_sort": "off", "hash_mem_multiplier": "4"}
BOUNDS = "select min({key})::text as least, max({key})::text as most from ({table}) as t"

Key = tuple[Any, ...]


@dataclass(frozen=True)
class _Plan:
    """How both sides are cut and hashed alike."""

    keys: Sequence[str]
    columns: Sequence[str]
    types: dict[str, str]
    size: int  # keys of one segment, or how many segments there are
    least: int | None  # the smallest integer key; None: segments by the hash of the key
    seeds: int

    @property
    def segment(self) -> str:
        """The expression of a row's segment."""
        if self.least is None:
            return f"(pg_catalog.hash_record_extended({_row(self.keys, self.types)}, 0) & {self.size - 1})"
        return f"((t.{quoted(self.keys[0])}::bigint - {self.least}) / {self.size})"

    @property
    def hashes(self) -> list[str]:
        """The expressions of a row's hashes, one for each seed."""
        row = _row([*self.keys, *self.columns], self.types)
        return [f"pg_catalog.hash_record_extended({row}, {seed})" for seed in range(self.seeds)]


def compare_databases(
    there: Table,
    here: Table,
    keys: Sequence[str],
    columns: Sequence[str],
    *,
    seeds: int = 1,
    most: int = MOST_KEPT,
) -> Comparison:
    """Compare two tables whose columns have the same names, each at one instant of its own database.

    Parameters
    ----------
    keys, columns
        Names of the columns that identify a row, and of those that are compared; keep an index on the keys.
    seeds
        Hashes of 64 bits for each row: with two, a chance of 2 to the power of -128 is left instead of -64.
    most
        Rows of each frame that are kept; all are counted.

    Raises
    ------
    QueryError
        A database refuses or breaks off, or a key is JSON; `ShortRead` where rows are missing from what was read.
    """
    with one_instant(there.database), one_instant(here.database):
        names = [*keys, *columns]
        types, others = there.types(names), here.types(names)
        if documents := [key for key in keys if "json" in types[key] or "json" in others[key]]:
            raise QueryError(f"{documents[0]}: a key of JSON is written in many ways; name a value inside it, as text")
        if types != others or _major(there) != _major(here):
            return compare(there, here, _as_columns(keys, types), _as_columns(columns, types), most=most)
        counts = dict(zip(("there", "here"), _both(lambda side: side.count(), there, here), strict=True))
        plan = _plan(there, here, keys, columns, types, max(counts.values()), seeds)
        found = _Found(there, here, plan, most)
        _checked(found, counts)
        sums = _both(lambda side: _checksums(side, plan), there, here)
        for side, summed in zip(("there", "here"), sums, strict=True):
            if sum(rows for rows, *_ in summed.values()) != counts[side]:
                raise ShortRead(f"the checksums of one table tell of fewer rows than its {counts[side]}")
        differing = {one: sum(side[one][0] for side in sums if one in side) for one in {*sums[0], *sums[1]}
                     if sums[0].get(one) != sums[1].get(one)}  # fmt: skip
        for segments in _bundles(differing):
            found.take(*_both(lambda side, given=segments: _hashes(side, plan, given), there, here))  # type: ignore[misc]
        return found.told(counts)


def _major(side: Table) -> str:
    sql = "select pg_catalog.current_setting('server_version_num')::int / 10000 as major"
    return str(side.database.query(sql).frame["major"][0])


def _both(work: Callable[[Table], Any], there: Table, here: Table) -> list[Any]:
    """Do the same on both sides at once."""
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(work, (there, here)))


def _as_columns(names: Sequence[str], types: dict[str, str]) -> list[Column]:
    kinds: dict[str, FieldType] = dict.fromkeys(INTEGERS, "integer")
    kinds |= dict.fromkeys(("numeric", "real", "double precision"), "decimal")
    kinds |= {"boolean": "boolean", "date": "date", "timestamp with time zone": "instant"}
    return [
        Column(name, name, None, name) if types[name] in ("json", "jsonb")
        else Column(name, name, FieldOf.model_validate({"from": name, "as": kinds.get(types[name], "text")}))
        for name in names
    ]  # fmt: skip


def _key(name: str, types: dict[str, str]) -> str:
    """Return the expression of a key of which equal ones are written alike, as they hash alike."""
    column, kind = f"t.{quoted(name)}", types[name]
    if kind == "numeric":
        return f"pg_catalog.trim_scale({column})"
    return f"({column} + 0::{kind})" if kind in ("real", "double precision") else column  # -0 is 0


def _row(names: Sequence[str], types: dict[str, str]) -> str:
    parts = (f"t.{quoted(name)}" + ("" if types[name] in HASHED else '::text collate "C"') for name in names)
    return f"row({', '.join(parts)})"


def _plan(
    there: Table, here: Table, keys: Sequence[str], columns: Sequence[str], types: dict[str, str], rows: int, seeds: int
) -> _Plan:
    segments = rows // SEGMENT + 1
    if len(keys) == 1 and types[keys[0]] in INTEGERS:
        ends = [_bounds(side, keys[0]) for side in (there, here)]
        least, most = min(one for one, _ in ends), max(one for _, one in ends)
        if most - least < 2**62:
            return _Plan(keys, columns, types, (most - least) // segments + 1, least, seeds)
    return _Plan(keys, columns, types, 1 << segments.bit_length(), None, seeds)


def _bounds(side: Table, key: str) -> tuple[int, int]:
    sql = BOUNDS.format(key=f"t.{quoted(key)}", table=side.sql)
    row = side.database.query(sql, side.values).frame.iloc[0]
    return int(row["least"] or 0), int(row["most"] or 0)


def _checked(found: _Found, counts: dict[str, int]) -> None:
    """Look at the keys first: which stand for several rows, and which are null."""
    plan = found.plan
    names = ", ".join(f"t.{quoted(key)}" for key in plan.keys)
    texts = ", ".join(f"{_key(key, plan.types)}::text as k{n}" for n, key in enumerate(plan.keys))
    no_key = " or ".join(f"t.{quoted(key)} is null" for key in plan.keys)
    for name, side in (("there", found.there), ("here", found.here)):
        twice = f"select {texts}, count(*) as copies from ({side.sql}) as t where not ({no_key})"
        twice += f" group by {names} having count(*) > 1 order by {names}"
        keyless = f"select count(*) as rows from ({side.sql}) as t where {no_key}"
        queries = [keyless] if side.has_unique(plan.keys) else [keyless, twice]
        answers = side.database.queries(queries, side.values)
        counts[f"keyless_{name}"] = int(answers[0].frame["rows"][0])
        for row in answers[1].frame.itertuples(index=False) if len(answers) > 1 else ():
            found.repeated.setdefault(found.key(row[:-1]), Counter())[name] = int(row[-1])
    for name, side in (("there", found.there), ("here", found.here)):
        for key, rows in found.whole(side, [key for key, copies in found.repeated.items() if name not in copies]):
            found.repeated[key][name] = len(rows)


def _checksums(side: Table, plan: _Plan) -> dict[int, tuple[int, ...]]:
    """Return for each segment how many rows it has and the sums of their hashes; pieces of a table add up."""
    sums = ", ".join(f"sum({one})::text as s{seed}" for seed, one in enumerate(plan.hashes))
    found: dict[int, tuple[int, ...]] = {}
    for piece in side.pieces():
        listed = f"{plan.segment} as segment, count(*) as rows, {sums}"
        sql = f"select {listed} from ({side.sql}) as t where {piece} group by 1"
        frame = side.database.queries([sql], side.values, None, PLANNER)[0].frame
        for segment, *figures in frame.itertuples(index=False):
            before = found.get(segment, (0,) * len(figures))
            found[segment] = tuple(int(one) + other for one, other in zip(figures, before, strict=True))
    return found


def _bundles(differing: dict[int, int]) -> Iterator[list[int]]:
    """Yield the segments that differ, as many at a time as may be held."""
    bundle: list[int] = []
    held = 0
    for segment, rows in sorted(differing.items(), key=lambda one: str(one[0])):
        if bundle and held + rows > MOST_ROWS:
            yield bundle
            bundle, held = [], 0
        bundle.append(segment)
        held += rows
    if bundle:
        yield bundle


def _hashes(side: Table, plan: _Plan, segments: list[int]) -> dict[Key, list[Key]]:
    """Return the hashes of each key's rows in some segments."""
    texts = ", ".join(_key(key, plan.types) + ("" if plan.types[key] in INTEGERS else "::text") for key in plan.keys)
    listed = f"{texts}, {', '.join(plan.hashes)}"
    if plan.least is None:
        sql = f"select {listed} from ({side.sql}) as t where {plan.segment} = any(%(segments)s)"
    else:
        start = f"{plan.least} + s.n * {plan.size}"
        within = f"t.{quoted(plan.keys[0])} >= {start} and t.{quoted(plan.keys[0])} < {start} + {plan.size}"
        sql = f"select {listed} from unnest(%(segments)s::bigint[]) as s (n) join ({side.sql}) as t on {within}"
    frame = side.database.query(sql, {**side.values, "segments": segments}, None).frame
    found: dict[Key, list[Key]] = {}
    for row in frame.itertuples(index=False, name=None):
        found.setdefault(row[: len(plan.keys)], []).append(row[len(plan.keys) :])
    return {key: sorted(hashes) for key, hashes in found.items() if None not in key}


class _Found:
    """Collects what differs, and looks at whole rows where hashes differ."""

    def __init__(self, there: Table, here: Table, plan: _Plan, most: int) -> None:
        self.there, self.here, self.plan, self.most = there, here, plan, most
        self.task = Task(_as_columns(plan.keys, plan.types), _as_columns(plan.columns, plan.types))
        self.repeated: dict[Key, Counter[str]] = {}
        self.rows: dict[str, list[list[Any]]] = {"missing": [], "extra": [], "different": []}
        self.totals: Counter[str] = Counter()

    def key(self, texts: Sequence[str]) -> Key:
        """Return a key out of its texts."""
        pairs = zip(self.plan.keys, texts, strict=True)
        return tuple(int(text) if self.plan.types[key] in INTEGERS else text for key, text in pairs)

    def take(self, there: dict[Key, list[Key]], here: dict[Key, list[Key]]) -> None:
        """Take in the hashes of some segments."""
        self._add("missing", [[*key] for key in sorted(there.keys() - here.keys())])
        self.totals["absent"] += sum(len(there[key]) == 1 for key in there.keys() - here.keys())
        self._add("extra", [[*key] for key in sorted(here.keys() - there.keys())])
        shared = sorted(key for key in there.keys() & here.keys() if there[key] != here[key] and len(there[key]) == 1)
        self.totals["looked_at"] += len(shared)
        for start in range(0, len(shared), MOST_NAMED):
            self._look(shared[start : start + MOST_NAMED])

    def _add(self, name: str, rows: list[list[Any]]) -> None:
        self.totals[name] += len(rows)
        self.rows[name] += rows[: max(self.most - len(self.rows[name]), 0)]

    def _look(self, keys: list[Key]) -> None:
        there, here = _both(lambda side: dict(self.whole(side, keys)), self.there, self.here)
        if there.keys() != here.keys() or len(there) != len(keys):
            raise ShortRead("rows were there at first and not at a second look; what was read proves nothing")
        for key in keys:
            values = self._typed(there[key][0])
            found = [one for texts in here[key] for one in values_apart(self.task, values, texts)]
            self.totals["changed"] += bool(found)
            self._add("different", [[*key, *one] for one in found])

    def _typed(self, texts: Sequence[Any]) -> list[Any]:
        return [
            at_source(text, column.field) if column.field else (None if text is None else parse(text))
            for column, text in zip(self.task.columns, texts, strict=True)
        ]

    def whole(self, side: Table, keys: list[Key]) -> Iterator[tuple[Key, list[Key]]]:
        """Yield the rows of each key, every value as text."""
        for start in range(0, len(keys), MOST_NAMED):
            yield from self._whole(side, keys[start : start + MOST_NAMED]).items()

    def _whole(self, side: Table, keys: list[Key]) -> dict[Key, list[Key]]:
        names, types = self.plan.keys, self.plan.types
        texts = [f"{_key(key, types)}::text" for key in names]
        texts += [shown(column, f"t.{quoted(column.here)}", types[column.here]) for column in self.task.columns]
        arrays = ", ".join(f"%(k{n})s::{types[key]}[]" for n, key in enumerate(names))
        values = {f"k{n}": [str(key[n]) for key in keys] for n in range(len(names))}
        listed = ", ".join(f"t.{quoted(key)}" for key in names)
        chosen = f"{listed} = any({arrays})" if len(names) == 1 else f"({listed}) in (select * from unnest({arrays}))"
        named = ", ".join(f"{text} as c{n}" for n, text in enumerate(texts))
        sql = f"select {named} from ({side.sql}) as t where {chosen}"
        frame = side.database.query(sql, {**side.values, **values}, None).frame
        found: dict[Key, list[Key]] = {}
        for row in frame.itertuples(index=False, name=None):
            found.setdefault(self.key(row[: len(names)]), []).append(row[len(names) :])
        return found

    def told(self, counts: dict[str, int]) -> Comparison:
        """Return what was found."""
        names = list(self.plan.keys)
        repeated = [[*key, sides["there"], sides["here"]] for key, sides in sorted(self.repeated.items())]
        columns = {"missing": names, "extra": names, "different": [*names, "field", "kind", "there", "here"]}
        frames = {name: pd.DataFrame(self.rows[name], columns=columns[name], dtype=object) for name in columns}
        for name in ("missing", "extra"):
            counts[name] = self.totals[name]
        several = sum(sides["there"] for sides in self.repeated.values() if sides["there"] > 1)
        counts |= {
            "different": self.totals["changed"],
            "repeated": len(repeated),
            "looked_at": self.totals["looked_at"],
        }
        single = counts["there"] - counts["keyless_there"] - several
        counts["equal"] = single - counts["different"] - self.totals["absent"]
        frames["repeated"] = pd.DataFrame(repeated, columns=[*names, "there", "here"], dtype=object)
        claim = (
            "rows are equal if PostgreSQL takes all their values for equal; a row whose values differ passes for equal "
            f"only if {64 * self.plan.seeds} bits of hash are equal by chance"
        )
        totals = {"missing": counts["missing"], "extra": counts["extra"], "different": self.totals["different"]}
        return Comparison(
            **frames, counts=counts, claim=claim, problems=[*problems_of(counts), *cut(totals, self.most)]
        )
