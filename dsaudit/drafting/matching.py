"""Which field of the source's record a refined column holds: told by its name, and by its values in sampled rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from dsaudit import naming
from dsaudit.database.shape import Column
from dsaudit.parameters.fields import FieldOf
from dsaudit.reconcile.values import at_source, same, typed
from dsaudit.source.reading import value_at

Pair = tuple[dict[str, Any], dict[str, Any]]  # a refined row, and the source's record that it was made of
DEEPEST = 3
ENOUGH = 3  # different values that have to agree where the names do not
FEW = 0.1  # the share of rows that may differ: a sampled row may be of another version

_DECIMAL_WORDS = {"rate", "percent", "percentage", "ratio", "weight", "factor", "latitude", "longitude", "score"}
_VAGUE = {"source", "external", "remote", "provider", "api", "origin"}  # words that say whose, and not what


@dataclass(frozen=True)
class Match:
    """The field that a column holds, and why that is a guess, or None where names and values agree."""

    field: FieldOf
    guess: str | None
    differs: float = 0.0  # the share of sampled rows in which it does not


def paths(records: Iterable[Any]) -> list[str]:
    """Return the dotted paths of all plain values in some records, the shortest first; lists are not entered."""
    found: dict[str, None] = {}
    for record in records:
        for path in _paths(record, "", 0):
            found[path] = None
    return sorted(found, key=lambda path: path.count("."))


def _paths(value: Any, at: str, depth: int) -> Iterator[str]:
    if isinstance(value, dict) and depth < DEEPEST:
        for name, inner in value.items():
            if name and "." not in name:
                yield from _paths(inner, f"{at}.{name}" if at else name, depth + 1)
    elif not isinstance(value, (dict, list)) and at:
        yield at


def match(column: Column, pairs: Sequence[Pair], known: Sequence[str], prefix: str = "") -> Match | None:
    """Return the field that `column` holds, None where no field at the `known` paths of the records is it.

    A field of the same name is taken even where some values differ: finding out why is what an audit is for.
    """
    records = [record for _, record in pairs]
    scored = [
        one for path in known for field in _readings(column, path, records) if (one := _score(column, field, pairs))
    ]
    best = max(scored, key=lambda one: one.rank(column, prefix), default=None)
    if best and (best.likeness(column, prefix) > 0 or best.is_telling):
        return best.match(column, prefix)
    named = [path for path in known if path == column.name] or [
        path for path in known if _bare(path, prefix) == _bare(column.name, prefix)
    ]
    field = next(_readings(column, named[0], records), None) if named else None
    if field is None:
        return None
    differing = sum(not same(*_values(column, field, pair)) for pair in pairs) / max(1, len(pairs))
    seen = f"{differing:.0%} of the sampled rows differ" if differing else "no sampled row has it"
    return Match(field, f"by its name; {seen}", differing)


def by_name(column: Column) -> Match | None:
    """Return the field of a column's own name, where there is no record to look into."""
    field = next(_readings(column, column.name, []), None)
    return Match(field, "by its name; no record of the source was seen") if field else None


def kind_of(column: Column) -> str | None:
    """Return the type that a field of this column is compared as, None where there is none, as for a list."""
    if column.family == "decimal":
        is_money = not _DECIMAL_WORDS & set(naming.parts(column.name))
        return "money" if is_money else "decimal"
    fitting = {"uuid": "text", "json": None, "other": None}
    return fitting.get(column.family, column.family)


@dataclass(frozen=True)
class _Scored:
    field: FieldOf
    agreeing: int
    differing: int
    different: int  # values among those that agree

    @property
    def is_telling(self) -> bool:
        return self.different >= ENOUGH and self.field.as_ != "boolean"

    def likeness(self, column: Column, prefix: str) -> float:
        """Return how much a path reads like the column's name: 1 for the same words, 0 for none in common."""
        mine, its = _bare(column.name, prefix), _bare(self.field.from_, prefix)
        return len(mine & its) / len(mine | its) if mine | its else 0

    def rank(self, column: Column, prefix: str) -> tuple[Any, ...]:
        is_named = self.field.from_ == column.name
        plain = not (self.field.minor or self.field.epoch or self.field.currency)
        return is_named, self.likeness(column, prefix), self.agreeing, plain, -self.field.from_.count(".")

    def match(self, column: Column, prefix: str) -> Match:
        total = self.agreeing + self.differing
        if self.likeness(column, prefix) == 1 or self.is_telling:
            guess = None if not self.differing else f"{self.differing} of {total} sampled rows differ"
        else:
            guess = f"equal in {self.agreeing} of {total} sampled rows, by few different values"
        return Match(self.field, guess, self.differing / max(1, total))


def _bare(name: str, prefix: str) -> frozenset[str]:
    """Return the words of a column or path that say what it holds."""
    found = [word for part in name.split(".") for word in naming.parts(part)]
    return frozenset(found) - _VAGUE - set(naming.parts(prefix)) or frozenset(found)


def _score(column: Column, field: FieldOf, pairs: Sequence[Pair]) -> _Scored | None:
    agreeing = differing = 0
    seen: set[str] = set()
    for pair in pairs:
        there, here = _values(column, field, pair)
        if there is None and here is None:
            continue
        if same(there, here):
            agreeing += 1
            seen.add(str(here))
        else:
            differing += 1
            if differing > FEW * len(pairs):
                return None
    enough = agreeing and differing <= FEW * (agreeing + differing)
    return _Scored(field, agreeing, differing, len(seen)) if enough else None


def _values(column: Column, field: FieldOf, pair: Pair) -> tuple[Any, Any]:
    """Return a field's value at the source and in the column, both typed."""
    row, record = pair
    there = at_source(value_at(record, field.from_), field, value_at(record, field.currency or ""))
    return there, typed(row[column.name], field.as_)


def _readings(column: Column, path: str, records: Sequence[Any]) -> Iterator[FieldOf]:
    """Yield the ways in which the values at `path` may be read into a column, the plainest first."""
    kind = kind_of(column)
    if kind is None:
        return
    plain = {"from": path, "as": kind}
    yield FieldOf.model_validate(plain)
    values = [value for record in records if (value := value_at(record, path)) is not None]
    is_counted = bool(values) and all(isinstance(value, int) and not isinstance(value, bool) for value in values)
    if kind == "instant" and is_counted:
        for epoch in ("seconds", "milliseconds"):
            yield FieldOf.model_validate({**plain, "epoch": epoch})
    if kind == "money" and is_counted:
        for currency in _currencies(path, records):
            yield FieldOf.model_validate({**plain, "currency": currency})
        yield FieldOf.model_validate({**plain, "minor": 2})


def _currencies(path: str, records: Sequence[Any]) -> list[str]:
    """Return the paths of currency codes, what stands beside `path` first."""
    beside = path.rpartition(".")[0]
    known = [
        one
        for one in paths(records)
        if (codes := [code for record in records if (code := value_at(record, one)) is not None])
        and all(isinstance(code, str) and re.fullmatch("[A-Z]{3}", code) for code in codes)
    ]
    return sorted(known, key=lambda one: (one.rpartition(".")[0] != beside, "cur" not in one.lower()))[:2]
