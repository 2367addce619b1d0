"""The section ``flows``: what somebody does with the API step by step, and what has to be seen at each step."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pydantic import Field, field_validator, model_validator

from dsaudit.parameters.action import below
from dsaudit.parameters.filling import placeholders
from dsaudit.parameters.section import NAME, VARIABLE, Misplaced, Names, Section
from dsaudit.wording import did_you_mean

if TYPE_CHECKING:
    from dsaudit.parameters.models import Parameters

MARK = "mark"
REQUEST = re.compile(r"(GET|POST|PUT|PATCH|DELETE) (\S+)")
FILLED = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")  # what may stand in braces
Keys = tuple[str | int, ...]


class Step(Section):
    """A request to the API of the section ``apis``, or a look at a row of a resource.

    `do` is the method and the path below its address, such as ``GET listings/{listing}``; `body` is sent as JSON. The
    answer has to have `status`, by itself any success. `row` names a resource, whose row of this `key` has to be there.

    Of an answer, or a row, `holds` tells the values at dotted paths (``per_row_status.0.status`` is in a list), and
    `lacks` the paths at which nothing stands. A number is equal to a text that writes it; null is not equal to what is
    not there. `until` is asked for again and again, of a GET or a row, until all of it holds. `keep` gives names to
    values, by their paths, for the steps after it: in paths, in texts of bodies, in keys and in expected values
    ``{name}`` stands for them, and ``{mark}`` for a word that nothing else holds.
    """

    do: str | None = None
    body: Any = None
    status: int | None = Field(None, ge=200, le=599)
    row: str | None = None
    key: str | None = Field(None, min_length=1)
    until: dict[str, Any] = {}
    holds: dict[str, Any] = {}
    lacks: Names = []
    keep: dict[str, str] = {}

    @field_validator("do")
    @classmethod
    def _is_request(cls, value: str | None) -> str | None:
        found = REQUEST.fullmatch(value) if value else None
        if value and not found:
            raise ValueError(f"{value!r} is no request; one is written as GET listings/{{id}}, with its method first")
        below(found[2] if found else None)
        return value

    @model_validator(mode="after")
    def _one_thing(self) -> Step:
        if bool(self.do) == bool(self.row):
            raise ValueError("give one thing: a request, as do, or a row of a resource, as row")
        if self.row and not self.key:
            raise Misplaced(("row",), "needs the key of the row")
        of_other = ("key",) if self.do else ("body", "status")
        for name in of_other:
            if getattr(self, name) is not None:
                raise Misplaced((name,), f"is of a {'row' if self.do else 'request'}, which this step is not")
        if self.until and self.do and self.method != "GET":
            raise Misplaced(("until",), "is asked for again and again, and so is of a GET or of a row")
        for name in self.keep:
            if not FILLED.fullmatch(name):
                raise Misplaced(("keep", name), f"{name!r} is no name that can stand in braces; letters, digits and _")
        return self

    @property
    def method(self) -> str:
        """The method of its request."""
        return (self.do or "").partition(" ")[0]

    @property
    def path(self) -> str:
        """The path of its request, with its placeholders."""
        return (self.do or "").partition(" ")[2]

    @property
    def name(self) -> str:
        """What a report calls it."""
        return self.do or f"row {self.row}"

    @property
    def is_refusal(self) -> bool:
        """Whether it is to be refused."""
        return self.status is not None and self.status >= 400

    @property
    def placeholders(self) -> set[str]:
        """The names that stand in braces anywhere in it."""
        return placeholders([self.path, self.body, self.key, self.until, self.holds])


class Flow(Section):
    """Steps that belong together, done in their order by a run that is asked to act, and never in production.

    So many copies as `at_once` says are done at the same time, each with a mark of its own, and the slowest may take
    `seconds`. An answer, and an `until`, is waited for `wait_seconds`. `metrics` are the differences that the metrics
    of ``monitoring.exposed`` show afterwards. `remove` takes away what it has made, whatever became of it, and what is
    not gone within `wait_seconds` is told.

    `token_env` is a token that may write, by itself that of ``apis``. It is done for `tenant`, by itself the first;
    `tenancy` tells the values of further columns of ``tenancy.columns``, by themselves those that rows of it have.
    """

    name: str = Field(pattern=NAME)
    seconds: float = Field(5, gt=0, le=600)
    at_once: int = Field(1, ge=1, le=50)
    wait_seconds: float = Field(30, gt=0, le=300)
    tenant: str | None = None
    tenancy: dict[str, str] = {}
    token_env: str | None = None
    steps: list[Step] = Field(min_length=1)
    metrics: dict[str, float] = {}
    remove: list[Step] = []


def flow_of(parameters: Parameters, name: str) -> Flow | None:
    """Return the flow of a name, None where there is none."""
    return next((one for one in parameters.flows if one.name == name), None)


def mistakes(parameters: Parameters) -> Iterator[Misplaced]:
    """Yield what does not fit together in the section, with where it stands."""
    for name, variable in parameters.flow_variables.items():
        if not FILLED.fullmatch(name) or name == MARK:
            yield Misplaced(("flow_variables", name), f"{name!r} is no name of yours that can stand in braces")
        if not VARIABLE.fullmatch(variable):
            words = "the name of an environment variable is expected, never what it holds"
            yield Misplaced(("flow_variables", name), words)
    seen = set[str]()
    for index, flow in enumerate(parameters.flows):
        keys: Keys = ("flows", index)
        if parameters.apis is None:
            yield Misplaced(keys, "needs the section `apis`, which says where the API is")
        if flow.name in seen:
            yield Misplaced((*keys, "name"), f"the flow {flow.name} is given twice, so it could not be told apart")
        seen.add(flow.name)
        yield from (Misplaced((*keys, *more), words) for more, words in _of_nobody(parameters, flow))
        yield from (Misplaced((*keys, *more), words) for more, words in _astray(parameters, flow))


def _of_nobody(parameters: Parameters, flow: Flow) -> Iterator[tuple[Keys, str]]:
    """Yield the keys that say for whom a flow is done, and name nobody."""
    if flow.tenant and flow.tenant not in parameters.tenant_names:
        hint = did_you_mean(flow.tenant, parameters.tenant_names)
        yield ("tenant",), f"there is no tenant {flow.tenant}" + (f"; {hint}" if hint else "")
    columns = parameters.tenancy.columns if parameters.tenancy else []
    for column in flow.tenancy:
        if column not in columns[1:]:
            hint = did_you_mean(column, columns[1:], "it names one after the first of `tenancy.columns`")
            yield ("tenancy", column), f"{column} tells nobody's rows; {hint}"


def _astray(parameters: Parameters, flow: Flow) -> Iterator[tuple[Keys, str]]:
    """Yield the steps that concern no resource, or have a placeholder that nothing fills."""
    given = {MARK, *parameters.flow_variables}
    kept = set[str]()
    for number, step in enumerate(flow.steps):
        keys: Keys = ("steps", number)
        if step.row and step.row not in parameters.resources:
            hint = did_you_mean(step.row, parameters.resources)
            yield (*keys, "row"), f"there is no resource {step.row}" + (f"; {hint}" if hint else "")
        yield from ((keys, words) for words in _unfilled(step, given | kept))
        for name in step.keep:
            if name in given:
                yield (*keys, "keep", name), f"{name} is given already, by the run or by `flow_variables`"
        kept |= step.keep.keys()
    for number, step in enumerate(flow.remove):
        keys = ("remove", number)
        if step.row:
            yield (*keys, "row"), "a row is removed by a request"
        elif not step.placeholders & (kept | {MARK}):
            yield keys, "nothing in it holds what a step has kept, or {mark}, so it would concern another record"
        yield from ((keys, words) for words in _unfilled(step, given | kept))


def _unfilled(step: Step, known: set[str]) -> Iterator[str]:
    for strange in sorted(step.placeholders - known):
        hint = did_you_mean(strange, known, f"there are {', '.join(sorted(known))}")
        yield f"{{{strange}}} is filled by nothing before it; {hint}"
