"""The section ``conserved``: where the rows of a parent are counted, and which numbers have to be the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, Field, model_validator

from dsaudit.parameters.apis import relation_of
from dsaudit.parameters.invariant import one_condition
from dsaudit.parameters.section import WORDS, Misplaced, Names, Section
from dsaudit.wording import did_you_mean

if TYPE_CHECKING:
    from dsaudit.parameters.models import Parameters

SETTLED = "settled"  # as a hop: whether the parent says that all is done
Expression = Annotated[str, Field(pattern=WORDS), AfterValidator(one_condition)]


class Hop(Section):
    """One hop on the way of what came with a parent: which rows count there, and with what they are compared.

    `through` leads from the parent to the rows, by the children's ends of declared relations, such as
    ``[raw_import_record.data_import_id, asset.raw_import_record_id]``; of the last rows those count for which `where`
    is true. `counted_by` is where the parent itself writes the number: a column, or an expression of its columns.
    `as_many_as` names a hop before it that has to have the same number. A hop with neither is compared with others
    alone; where its relation has a number of its own (``counted_by``), it is shown beside it.
    """

    hop: str = Field(pattern=WORDS)
    through: Names = Field(min_length=1)
    where: Expression | None = None
    counted_by: Expression | None = None
    as_many_as: str | None = None

    @model_validator(mode="after")
    def _one_number(self) -> Hop:
        if self.counted_by and self.as_many_as:
            raise ValueError("give counted_by or as_many_as; a hop is compared with one number")
        return self

    @property
    def resource(self) -> str:
        """The resource whose rows are counted."""
        return self.through[-1].partition(".")[0]

    @property
    def is_judged(self) -> bool:
        """Whether the file says which number it has to have."""
        return bool(self.counted_by or self.as_many_as)


class Conserved(Section):
    """The hops that the rows of one resource, such as an import, go through.

    `settled` is a condition on a row of it: where it is not true the row is still under way, and is not judged.
    """

    resource: str
    settled: Expression | None = None
    hops: list[Hop] = Field(min_length=1)

    @model_validator(mode="after")
    def _in_order(self) -> Conserved:
        seen: list[str] = []
        for number, one in enumerate(self.hops):
            if one.hop == SETTLED:
                raise Misplaced(("hops", number, "hop"), f"{SETTLED} is what the end of all hops is called")
            if one.hop in seen:
                raise Misplaced(("hops", number, "hop"), f"the hop {one.hop} is given twice")
            if one.as_many_as and one.as_many_as not in seen:
                hint = did_you_mean(one.as_many_as, seen, "it names one that stands before it")
                raise Misplaced(("hops", number, "as_many_as"), f"no hop before it is called {one.as_many_as}; {hint}")
            seen.append(one.hop)
        return self


def chain_of(parameters: Parameters, resource: str) -> Conserved | None:
    """Return the hops of a resource, None where none are declared."""
    return next((one for one in parameters.conserved if one.resource == resource), None)


def mistakes(parameters: Parameters) -> Iterator[Misplaced]:
    """Yield what does not fit together in the section, with where it stands."""
    seen = set[str]()
    for index, chain in enumerate(parameters.conserved):
        keys = ("conserved", index, "resource")
        if chain.resource not in parameters.resources:
            hint = did_you_mean(chain.resource, parameters.resources)
            yield Misplaced(keys, f"there is no resource {chain.resource}" + (f"; {hint}" if hint else ""))
            continue
        if chain.resource in seen:
            yield Misplaced(keys, f"{chain.resource} is given twice; one list has all its hops")
        seen.add(chain.resource)
        for number, hop in enumerate(chain.hops):
            yield from _astray(parameters, chain.resource, hop, ("conserved", index, "hops", number, "through"))


def _astray(parameters: Parameters, resource: str, hop: Hop, keys: tuple[str | int, ...]) -> Iterator[Misplaced]:
    """Yield the first step of a hop that no relation leads along."""
    at = resource
    for child in hop.through:
        relation = relation_of(parameters, child)
        if relation is None or relation.parent.partition(".")[0] != at:
            leading = [one.child for one in parameters.relations if one.parent.partition(".")[0] == at]
            hint = did_you_mean(child, leading, f"one that does is {leading[0]}" if leading else "declare one")
            yield Misplaced(keys, f"no relation leads from {child} to {at}; {hint}")
            return
        at = child.partition(".")[0]
