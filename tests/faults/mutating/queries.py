"""Mutants of the two queries of a check: what finds the rows, and what counts the examined."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import partial

import sqlglot
from sqlglot import exp

from dsaudit.checks import Check
from dsaudit.parameters import project_root
from tests.faults.mutating.mutant import Mutant, distinct

Node = exp.Expr
Change = tuple[str, Node, Callable[[Node], object]]  # in words, of what, and the change itself

FLIPS: dict[type[Node], tuple[type[Node], ...]] = {
    exp.LT: (exp.LTE, exp.GT),
    exp.LTE: (exp.LT, exp.GTE),
    exp.GT: (exp.GTE, exp.LT),
    exp.GTE: (exp.GT, exp.LTE),
    exp.EQ: (exp.NEQ,),
    exp.NEQ: (exp.EQ,),
    exp.NullSafeNEQ: (exp.NullSafeEQ, exp.NEQ),
}
SIGNS: dict[type[Node], str] = {
    exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">=", exp.EQ: "=", exp.NEQ: "<>",
    exp.NullSafeEQ: "is not distinct from",
}  # fmt: skip
MEASURED = ("examined", "value", "unit", "threshold", "reason")  # columns of `examined` that a verdict stands on
SHOWN = 90  # letters of what is changed


def parsed(query: str) -> Node:
    """Read a query of a check; slots and values become names."""
    text = re.sub(r"\{(\w+)\}", r"slot__\1", query)
    text = re.sub(r"%\((\w+)\)s", r"value__\1", text).replace("%%", "%")
    return sqlglot.parse_one(text, dialect="postgres")


def written(tree: Node) -> str:
    """Write a query with its slots and values, as a check has it."""
    text = tree.sql(dialect="postgres", comments=False).replace("%", "%%")
    return re.sub(r"\bvalue__(\w+)", r"%(\1)s", re.sub(r"\bslot__(\w+)", r"{\1}", text))


def mutants_of(check: Check) -> list[Mutant]:
    """Return all mutants of both queries."""
    found, original = list[Mutant](), dict[str, str]()
    for part, query, judged in (
        ("query", check.query, (*check.scope, *check.listed("key"))),
        ("examined", check.examined, (*check.scope, *MEASURED)),
    ):
        original[part] = written(parsed(query))
        for mutation, line, text in mutated(query, judged):
            mutation = mutation if part == "query" else f"examined: {mutation}"
            found.append(Mutant(check.name, mutation, _place(check, part, line), part, text))
    return distinct(found, original)


def _place(check: Check, part: str, line: int) -> str:
    before, _, _ = check.path.read_text(encoding="utf-8").partition(
        "-- examined:" if part == "examined" else check.query
    )
    first = before.count("\n") + 1
    return f"{check.path.relative_to(project_root())}:{first if part == 'examined' else first + line - 1}"


def mutated(query: str, judged: tuple[str, ...]) -> Iterator[tuple[str, int, str]]:
    """Yield each mutation in words, its line in the query, and the mutant; what is shown alone stays as it is."""
    base = parsed(query)
    skipped = _shown_alone(base, judged)
    for place, node in enumerate(base.walk()):
        if id(node) in skipped:
            continue
        for what, of, change in _changes(node):
            tree = base.copy()
            change(next(one for number, one in enumerate(tree.walk()) if number == place))
            words = written(of).replace("%%", "%")
            yield f"{what}: {words if len(words) <= SHOWN else words[: SHOWN - 1] + '…'}", _line(of), written(tree)


def _shown_alone(base: Node, judged: tuple[str, ...]) -> set[int]:
    """The nodes of the columns that nothing judges, and of the order in which rows are shown."""
    outer = [one for one in base.expressions if one.alias_or_name not in judged and not isinstance(one, exp.Star)]
    order = None if base.args.get("distinct") else base.args.get("order")
    return {id(node) for one in [*outer, *([order] if order else [])] for node in one.walk()}


def _line(node: Node) -> int:
    starts = [(one.meta["start"], one.meta["line"]) for one in node.walk() if "line" in one.meta]
    return min(starts)[1] if starts else 1


def _negated(node: Node) -> Node:
    return exp.Not(this=exp.Paren(this=node.copy()))


def _changes(node: Node) -> Iterator[Change]:
    """Yield what can be changed of one node of a query."""
    for kind in FLIPS.get(type(node), ()):
        yield f"{SIGNS[kind]} instead", node, partial(_flip, kind=kind)
    for kinds, changes in CHANGES:
        if isinstance(node, kinds):
            yield from changes(node)


def _flip(twin: Node, kind: type[Node]) -> None:
    twin.replace(kind(this=twin.this, expression=twin.expression))


def _of_condition(node: Node) -> Iterator[Change]:
    if not isinstance(node.parent, exp.Filter):
        yield "drop", node, lambda twin: twin.pop()
    yield "negate", node, lambda twin: twin.set("this", _negated(twin.this))


def _of_filter(node: Node) -> Iterator[Change]:
    yield "drop the filter of", node, lambda twin: twin.replace(twin.this.copy())


def _of_chain(node: Node) -> Iterator[Change]:
    """Drop each part of a chain of `and` or `or`, and turn the one into the other."""
    if type(node.parent) is type(node):
        return
    join, other = (exp.and_, exp.or_) if isinstance(node, exp.And) else (exp.or_, exp.and_)
    parts = list(node.flatten(unnest=False))
    for place, part in enumerate(parts):
        rest = parts[:place] + parts[place + 1 :]
        yield "without", part, lambda twin, rest=rest: twin.replace(join(*rest, copy=True))  # type: ignore[misc]
    word = "or" if isinstance(node, exp.And) else "and"
    yield f"{word} instead in", node, lambda twin: twin.replace(other(*twin.flatten(unnest=False), copy=True))


def _of_join(node: Node) -> Iterator[Change]:
    if node.args.get("on"):
        sides = {"LEFT", "RIGHT", ""} - {node.args.get("side") or ""}
        for side in sorted(sides):
            yield f"{side.lower() or 'inner'} join", node, lambda twin, side=side: twin.set("side", side or None)  # type: ignore[misc]
        yield "negate the condition of", node, lambda twin: twin.set("on", _negated(twin.args["on"]))


def _of_not(node: Node) -> Iterator[Change]:
    yield "drop not", node, lambda twin: twin.replace(twin.this.copy())


def _of_test(node: Node) -> Iterator[Change]:
    if not isinstance(node.parent, exp.Not):
        yield "negate", node, lambda twin: twin.replace(_negated(twin))


def _of_between(node: Node) -> Iterator[Change]:
    yield "no lower bound", node, lambda twin: twin.replace(exp.LTE(this=twin.this, expression=twin.args["high"]))
    yield "no upper bound", node, lambda twin: twin.replace(exp.GTE(this=twin.this, expression=twin.args["low"]))


def _of_distinct(node: Node) -> Iterator[Change]:
    if isinstance(node.parent, exp.Count):
        yield "count all", node, lambda twin: twin.replace(twin.expressions[0].copy())
    else:
        yield "drop", node, lambda twin: twin.pop()


def _of_count(node: Node) -> Iterator[Change]:
    if isinstance(node.this, exp.Star):
        once = exp.Distinct(expressions=[exp.Literal.number(1)])
        yield "count(distinct …) instead", node, lambda twin: twin.set("this", once)


def _of_group(node: Node) -> Iterator[Change]:
    for place, part in enumerate(node.expressions):
        yield "group without", part, lambda twin, place=place: _without(twin, "expressions", place)  # type: ignore[misc]


def _of_window(node: Node) -> Iterator[Change]:
    for place, part in enumerate(node.args.get("partition_by") or []):
        yield "partition without", part, lambda twin, place=place: _without(twin, "partition_by", place)  # type: ignore[misc]


def _without(twin: Node, name: str, place: int) -> None:
    parts = twin.args[name]
    rest = parts[:place] + parts[place + 1 :]
    if rest or name != "expressions":
        twin.set(name, rest)
    else:
        twin.pop()


def _of_number(node: Node) -> Iterator[Change]:
    """One more than a number that is no place of a column, and no number of decimals."""
    is_place = isinstance(node.parent, (exp.Ordered, exp.Group)) or node.arg_key == "decimals"
    counts = not node.is_string or isinstance(node.parent, exp.Interval)
    if counts and not is_place and re.fullmatch(r"[\d.]+", node.name):
        more = str(Decimal(node.name) + 1)
        yield "one more than", node, lambda twin: twin.set("this", more)


def _of_select(node: Node) -> Iterator[Change]:
    yield "limit 0", node, lambda twin: twin.set("limit", exp.Limit(expression=exp.Literal.number(0)))


def _of_union(node: Node) -> Iterator[Change]:
    yield "the first half of", node, lambda twin: twin.replace(twin.this.copy())
    yield "the second half of", node, lambda twin: twin.replace(twin.expression.copy())


def _of_coalesce(node: Node) -> Iterator[Change]:
    yield "the first of", node, lambda twin: twin.replace(twin.this.copy())


def _of_ordered(node: Node) -> Iterator[Change]:
    """Turn an order round that chooses rows: inside a window, or after what is distinct on other columns."""
    order = node.parent
    where = order.parent if order else None
    distinct = where.args.get("distinct") if isinstance(where, exp.Select) else None
    chosen = [one.name for one in distinct.args["on"].expressions] if distinct and distinct.args.get("on") else None
    if isinstance(where, (exp.Window, exp.WithinGroup)) or (chosen is not None and node.this.name not in chosen):
        yield "turn the order round", node, lambda twin: twin.set("desc", not twin.args.get("desc"))


def _of_case(node: Node) -> Iterator[Change]:
    yield "negate the condition of", node, lambda twin: twin.set("this", _negated(twin.this))


CHANGES: tuple[tuple[tuple[type[Node], ...], Callable[[Node], Iterator[Change]]], ...] = (
    ((exp.Where, exp.Having), _of_condition),
    ((exp.Filter,), _of_filter),
    ((exp.And, exp.Or), _of_chain),
    ((exp.Join,), _of_join),
    ((exp.Not,), _of_not),
    ((exp.Is, exp.In, exp.Exists), _of_test),
    ((exp.Between,), _of_between),
    ((exp.Distinct,), _of_distinct),
    ((exp.Count,), _of_count),
    ((exp.Group,), _of_group),
    ((exp.Window,), _of_window),
    ((exp.Literal,), _of_number),
    ((exp.Select,), _of_select),
    ((exp.Union,), _of_union),
    ((exp.Coalesce,), _of_coalesce),
    ((exp.Ordered,), _of_ordered),
    ((exp.If,), _of_case),
)
