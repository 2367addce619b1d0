"""PromQL as a tree: read by the library `promql_parser`, asked and changed by a few plain functions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

import promql_parser
from promql_parser import (
    AggModifierType,
    AggregateExpr,
    BinaryExpr,
    Call,
    Expr,
    MatrixSelector,
    NumberLiteral,
    ParenExpr,
    SubqueryExpr,
    UnaryExpr,
    VectorSelector,
)

COMPARING = {"==", "!=", ">", "<", ">=", "<="}
SETS = {"and", "or", "unless"}
RATES = {"rate", "irate", "increase"}  # of a counter
NAME = "__name__"
# A text between backticks stands as it is, which the library does not know; comments and other texts are passed over.
RAW = re.compile(r"""#[^\n]*|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`(?P<raw>[^`]*)`""", re.DOTALL)
# What makes a tree deeper; beyond so many the library would end the process, and a reader its own recursion.
DEEPER = re.compile(r"[(+*/%^<>-]|==|\b(?:and|or|unless|atan2)\b", re.IGNORECASE)
DEEPEST, LONGEST = 300, 50_000

NEWER = re.compile(r"unknown function|inside brackets: '[-+*/(]'|nested more deeply")
NEWER_WORDS = re.compile(
    r"\b(smoothed|anchored|with|default|if|ifnot|keep_metric_names)\b|offset\s*-?\(", re.IGNORECASE
)


class NotPromql(ValueError):
    """The expression cannot be read; the message says why."""


@dataclass(frozen=True)
class Condition:
    """What a selector asks of a label: its name, the sign (``=``, ``!=``, ``=~``, ``!~``) and the value."""

    label: str
    sign: str
    value: str


SIGNS = {"Equal": "=", "NotEqual": "!=", "Re": "=~", "NotRe": "!~"}


def parsed(expression: str) -> Expr:
    """Return the tree of an expression.

    Raises
    ------
    NotPromql
        It is none, or its types do not fit.
    """
    if len(expression) > LONGEST or len(DEEPER.findall(re.sub(r"\{[^}]*\}", "", RAW.sub("", expression)))) > DEEPEST:
        raise NotPromql("it is longer, or nested more deeply, than is read here")
    try:
        return promql_parser.parse(RAW.sub(_unraw, expression))
    except ValueError as error:
        raise NotPromql(f"it is no PromQL: {error}") from None


def is_certain(error: NotPromql, expression: str) -> bool:
    """Return whether nothing reads an expression: what the library does not know yet may be PromQL all the same."""
    return not NEWER.search(str(error)) and not NEWER_WORDS.search(expression)


def _unraw(found: re.Match[str]) -> str:
    return found[0] if found["raw"] is None else quoted(found["raw"])


def quoted(value: str) -> str:
    """Return a value as PromQL writes it."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def text(node: Expr) -> str:
    """Return a tree as an expression on one line."""
    whole = node.prettify()
    whole = re.sub(r"(?<=[(\[{])\s*\n\s*", "", whole)
    whole = re.sub(r"\s*\n\s*(?=[)\]}])", "", whole)
    return re.sub(r"\s*\n\s*", " ", whole).strip()


def children(node: Expr) -> list[Expr]:
    """Return the trees inside of one, in their order."""
    if isinstance(node, AggregateExpr):
        return [*([node.param] if isinstance(node.param, Expr) else []), node.expr]
    if isinstance(node, BinaryExpr):
        return [node.lhs, node.rhs]
    if isinstance(node, (ParenExpr, UnaryExpr, SubqueryExpr)):
        return [node.expr]
    if isinstance(node, MatrixSelector):
        return [node.vector_selector]
    return list(node.args) if isinstance(node, Call) else []


def within(node: Expr) -> Iterator[Expr]:
    """Yield a tree and all inside of it."""
    yield node
    for child in children(node):
        yield from within(child)


def bare(node: Expr) -> Expr:
    """Return a tree without the brackets around it."""
    return bare(node.expr) if isinstance(node, ParenExpr) else node


def selectors(node: Expr) -> list[VectorSelector]:
    """Return every selector in a tree."""
    return [one for one in within(node) if isinstance(one, VectorSelector)]


def metric(selector: VectorSelector) -> str:
    """Return the metric that a selector names, '' where it takes several."""
    if selector.name:
        return selector.name
    named = [one.value for one in _matchers(selector) if one.label == NAME and one.sign == "="]
    return named[0] if named else ""


def pattern(selector: VectorSelector) -> str:
    """Return the condition by which a selector takes metrics of several names, '' where it names one or none."""
    told = [one for one in _matchers(selector) if one.label == NAME and one.sign != "="]
    return f'{NAME}{told[0].sign}"{told[0].value}"' if told else ""


def conditions(selector: VectorSelector) -> list[Condition]:
    """Return what a selector asks of labels, the metric's name aside."""
    return [one for one in _matchers(selector) if one.label != NAME]


def _matchers(selector: VectorSelector) -> list[Condition]:
    told = selector.matchers.matchers
    return [Condition(one.name, SIGNS[str(one.op).rpartition(".")[2]], one.value) for one in told]


def operator(node: Expr) -> str:
    """Return the operator of a binary expression or the name of an aggregation; '' of anything else."""
    return str(node.op) if isinstance(node, (BinaryExpr, AggregateExpr)) else ""


def function(node: Expr) -> str:
    """Return the name of the function that is called, '' where none is."""
    return node.func.name if isinstance(node, Call) else ""


def compares(node: Expr) -> bool:
    """Return whether it is a comparison that lets through what fulfils it, as one with ``bool`` does not."""
    if not isinstance(node, BinaryExpr) or operator(node) not in COMPARING:
        return False
    return not (node.modifier and node.modifier.return_bool)


def is_scalar(node: Expr) -> bool:
    """Return whether a tree is a single number, and no vector of series."""
    inner = bare(node)
    if isinstance(inner, BinaryExpr):
        return is_scalar(inner.lhs) and is_scalar(inner.rhs)
    if isinstance(inner, UnaryExpr):
        return is_scalar(inner.expr)
    return isinstance(inner, NumberLiteral) or function(inner) in ("scalar", "time", "pi")


def number(node: Expr) -> float | None:
    """Return the number that a tree of numbers is, or None."""
    inner = bare(node)
    if isinstance(inner, NumberLiteral):
        return float(inner.val)
    if isinstance(inner, UnaryExpr):
        value = number(inner.expr)
        return None if value is None else -value
    if isinstance(inner, BinaryExpr):
        left, right = number(inner.lhs), number(inner.rhs)
        if left is None or right is None or operator(inner) not in COUNTED:
            return None
        try:
            return COUNTED[operator(inner)](left, right)
        except (ZeroDivisionError, OverflowError):
            return None
    return None


COUNTED: dict[str, Callable[[float, float], float]] = {
    "+": lambda one, other: one + other,
    "-": lambda one, other: one - other,
    "*": lambda one, other: one * other,
    "/": lambda one, other: one / other,
    "^": lambda one, other: float(one**other),
}


def grouping(node: AggregateExpr) -> tuple[bool, list[str]]:
    """Return whether an aggregation keeps the labels that follow (``by``) or drops them (``without``)."""
    if node.modifier is None:
        return True, []
    return node.modifier.type == AggModifierType.By, list(node.modifier.labels)


def matching(node: BinaryExpr) -> tuple[bool, list[str]] | None:
    """Return whether two sides are matched ``on`` the labels that follow or ``ignoring`` them; None where by all."""
    told = node.modifier.matching if node.modifier else None
    return None if told is None else (str(told.type).endswith("Include"), list(told.labels))


def grouped(node: BinaryExpr) -> str:
    """Return ``group_left`` or ``group_right`` where one side has several series for one of the other, else ''."""
    card = str(node.modifier.card).rpartition(".")[2] if node.modifier else ""
    return {"ManyToOne": "group_left", "OneToMany": "group_right"}.get(card, "")


def changed(node: Expr, replaced: Callable[[Expr], str | None]) -> Expr:
    """Return a tree in which, from the inside out, nodes stand as `replaced` writes them; None leaves one as it is."""

    def made(one: Expr) -> Expr | None:
        new = replaced(one)
        return None if new is None else parsed(new)

    return promql_parser.transform(node, post_visit=made)


def ranges(node: Expr) -> list[timedelta]:
    """Return the times that an expression looks back over."""
    found = [one.range for one in within(node) if isinstance(one, (MatrixSelector, SubqueryExpr))]
    return [one for one in found if one is not None]
