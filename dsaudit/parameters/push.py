"""The section ``push``: how one parent with all that comes of it is pushed through the API, and taken away again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, field_validator

from dsaudit.parameters.action import below
from dsaudit.parameters.conserved import chain_of
from dsaudit.parameters.filling import placeholders
from dsaudit.parameters.section import Misplaced, Names, Section
from dsaudit.wording import did_you_mean

if TYPE_CHECKING:
    from dsaudit.parameters.models import Parameters


class Request(Section):
    """A request to the API of the section ``apis``: a path below its address, and what is sent as JSON.

    In `path` and in every text of `body` stand placeholders: ``{mark}`` is a word that nothing else holds, and ``{id}``
    the id of what was made.
    """

    method: Literal["POST", "PUT", "PATCH", "DELETE"]
    path: str
    body: dict[str, Any] | None = None

    _below = field_validator("path")(below)

    @property
    def placeholders(self) -> set[str]:
        """The names that stand in braces."""
        return placeholders([self.path, self.body])


class Push(Section):
    """How an import, or another parent whose hops are declared, is pushed through and followed; see ``conserved``.

    It is done only when a run is asked to act, and never in production. `make` asks for it, and `id` is the path of its
    id in the answer. `rows` is how many rows it has at each hop, by the hop's name, which have to be there within
    `wait_seconds`. Every relation of a row that comes has its parent then, but those in `unlinked`, named by the
    child's end. `remove` takes it away again with all that came of it, within `wait_seconds` too.

    `token_env` is a token that may write, by itself that of ``apis``. It is made for `tenant`, by itself the first;
    `tenancy` tells the values of further columns of ``tenancy.columns``, by themselves those that rows of it have.
    """

    resource: str
    tenant: str | None = None
    tenancy: dict[str, str] = {}
    token_env: str | None = None
    make: Request
    id: str
    rows: dict[str, int]
    unlinked: Names = []
    remove: Request
    wait_seconds: float = Field(30, gt=0, le=300)


def mistakes(parameters: Parameters) -> Iterator[Misplaced]:
    """Yield what does not fit together in the section, with where it stands."""
    push = parameters.push
    if push is None:
        return
    chain, apis = chain_of(parameters, push.resource), parameters.apis
    if apis is None:
        yield Misplaced(("push",), "needs the section `apis`, which says where the API is")
    if chain is None:
        hint = did_you_mean(push.resource, [one.resource for one in parameters.conserved], "declare them")
        yield Misplaced(("push", "resource"), f"`conserved` has no hops of {push.resource}; {hint}")
        return
    if push.tenant and push.tenant not in parameters.tenant_names:
        hint = did_you_mean(push.tenant, parameters.tenant_names)
        yield Misplaced(("push", "tenant"), f"there is no tenant {push.tenant}" + (f"; {hint}" if hint else ""))
    columns = parameters.tenancy.columns if parameters.tenancy else []
    for column in push.tenancy:
        if column not in columns[1:]:
            hint = did_you_mean(column, columns[1:], "it names one after the first of `tenancy.columns`")
            yield Misplaced(("push", "tenancy", column), f"{column} tells nobody's rows; {hint}")
    names = [hop.hop for hop in chain.hops]
    there = f"there are {', '.join(names)}"
    for name in push.rows:
        if name not in names:
            yield Misplaced(("push", "rows", name), f"there is no hop {name}; {did_you_mean(name, names, there)}")
    if lacking := next((name for name in names if name not in push.rows), None):
        yield Misplaced(("push", "rows"), f"does not say how many rows there are at the hop {lacking}")
    for child in push.unlinked:
        if child not in (one.child for one in parameters.relations):
            hint = did_you_mean(child, (one.child for one in parameters.relations), "it names a relation's child")
            yield Misplaced(("push", "unlinked"), f"no relation has the child {child}; {hint}")
    yield from _placed(push)


def _placed(push: Push) -> Iterator[Misplaced]:
    """Yield which request lacks what it is known by, or has a placeholder that nothing fills."""
    if "mark" not in push.make.placeholders:
        yield Misplaced(("push", "make"), "nothing in it holds {mark}, by which what comes of it is known")
    if "id" not in push.remove.placeholders:
        yield Misplaced(("push", "remove"), "nothing in it holds {id}, so it would concern another record")
    for name, known in (("make", {"mark"}), ("remove", {"mark", "id"})):
        for strange in sorted(getattr(push, name).placeholders - known):
            words = f"{{{strange}}} is filled by nothing; there are {' and '.join(sorted(known))}"
            yield Misplaced(("push", name), words)
