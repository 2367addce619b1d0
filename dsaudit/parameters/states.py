"""The section ``states``: which states a row goes through, and what it has to hold in each."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pydantic import Field

from dsaudit.parameters.apis import Columns
from dsaudit.parameters.conserved import Expression
from dsaudit.parameters.section import Misplaced, Names, Section
from dsaudit.wording import did_you_mean

if TYPE_CHECKING:
    from dsaudit.parameters.models import Parameters
    from dsaudit.parameters.resource import Relation

# A text, which is left alone, or a column of a parent: what stands before the dot, and what behind it.
REFERENCE = re.compile(r"'(?:[^']|'')*'|(?<![\w.\"])([a-z_][a-z0-9_]*)\.([a-z_][a-z0-9_]*)(?![\w(])")


class History(Section):
    """Where a table records each change of a state: `of` refers to the key, and `at` is when it went `from` … `to`.

    `created` is the resource's column of when a row began, by which the time in its first state is known.
    """

    table: str = Field(min_length=1)
    of: str
    from_: str = Field(alias="from")
    to: str
    at: str
    created: str | None = None

    @property
    def named(self) -> dict[str, str]:
        """The columns of its table, by the keys that name them."""
        return {"of": self.of, "from": self.from_, "to": self.to, "at": self.at}


class Missing(Section):
    """The `column` that lists which of `fields` are empty, by their names or by others: ``{price: price_usd}``."""

    column: str
    fields: Columns = Field(min_length=1)


class Provenance(Section):
    """The `column` of JSON that says of each of `fields` that is filled where its value is from: one of `values`.

    It says so under the field's name, or at another path: ``{price_usd.source: price_usd}``.
    """

    column: str
    fields: Columns = Field(min_length=1)
    values: Names = Field(min_length=1)


class States(Section):
    """The states of a resource's rows, which `column` tells, and to which others each of them may `moves` on.

    In a state of `required` columns are not empty, and in one of `withheld` they are. `derived` are columns that are
    made of others, each with its formula in SQL; of a parent, ``cpu.cpu_mark`` is a column, named by the parent's
    resource or by the column that refers to it. Where a column is withheld, no formula is tried.
    """

    resource: str
    column: str
    moves: dict[str, Names] = Field(min_length=1)
    history: History | None = None
    missing: Missing | None = None
    required: dict[str, Names] = {}
    withheld: dict[str, Names] = {}
    provenance: Provenance | None = None
    derived: dict[str, Expression] = {}

    @property
    def last(self) -> list[str]:
        """The states that are not left again."""
        return [state for state, others in self.moves.items() if not others]


def named_columns(states: States) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield each column of the resource that its states name, and where below the section it stands."""
    yield ("column",), states.column
    for section in ("missing", "provenance"):
        if own := getattr(states, section):
            yield (section, "column"), own.column
            yield from (((section, "fields", name), column) for name, column in own.fields.items())
    for section in ("required", "withheld"):
        for state, columns in getattr(states, section).items():
            yield from (((section, state), column) for column in columns)
    yield from ((("derived", column), column) for column in states.derived)
    if states.history and states.history.created:
        yield ("history", "created"), states.history.created


def parent_of(parameters: Parameters, resource: str, name: str) -> list[Relation]:
    """Return the relations of a resource that a name in a formula may mean: the parent's, or the referring column's."""
    own = [one for one in parameters.relations if one.child.partition(".")[0] == resource]
    return [one for one in own if name in (one.parent.partition(".")[0], one.child.partition(".")[2])]


def has_states(parameters: Parameters, resource: str, part: str) -> bool:
    """Return whether a resource has states at all (``column``), or declares a part of them, such as ``history``."""
    return any(one.resource == resource and getattr(one, part) for one in parameters.states)


def mistakes(parameters: Parameters) -> Iterator[Misplaced]:
    """Yield what does not fit together in the section, with where it stands."""
    seen = set[tuple[str, str]]()
    for index, one in enumerate(parameters.states):
        keys = ("states", index)
        if one.resource not in parameters.resources:
            hint = did_you_mean(one.resource, parameters.resources)
            yield Misplaced((*keys, "resource"), f"there is no resource {one.resource}" + (f"; {hint}" if hint else ""))
            continue
        if (one.resource, one.column) in seen:
            yield Misplaced((*keys, "column"), f"the states of {one.resource}.{one.column} are given twice")
        seen.add((one.resource, one.column))
        yield from (Misplaced((*keys, *more), words) for more, words in _unknown(one))
        for column, formula in one.derived.items():
            for words in _parentless(parameters, one.resource, formula):
                yield Misplaced((*keys, "derived", column), words)


def _unknown(one: States) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield the states that are named and are none."""
    named = [(("moves", state), other) for state, others in one.moves.items() for other in others]
    named += [((part, state), state) for part in ("required", "withheld") for state in getattr(one, part)]
    for keys, state in named:
        if state not in one.moves:
            hint = did_you_mean(state, one.moves, f"there are {', '.join(one.moves)}")
            yield keys, f"there is no state {state} under `moves`; {hint}"


def _parentless(parameters: Parameters, resource: str, formula: str) -> Iterator[str]:
    """Yield which names in a formula are resources, and lead nowhere or to several."""
    for found in REFERENCE.finditer(formula):
        name = found[1]
        relations = parent_of(parameters, resource, name) if name else []
        if len(relations) > 1:
            columns = " or ".join(one.child.partition(".")[2] for one in relations)
            yield f"several relations lead from {resource} to {name}; name it by the column, {columns}"
        elif name and not relations and name in parameters.resources:
            yield f"no relation leads from {resource} to {name}, whose column the formula names; declare it"
