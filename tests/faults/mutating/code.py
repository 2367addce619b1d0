"""Mutants of the checks that are functions: of their bodies, and of the helpers of their module that they use."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from random import Random
from typing import Any

from dsaudit.checks import Check
from dsaudit.parameters import project_root
from tests.faults.mutating.mutant import Mutant, distinct

SEED = 1
PER_CHECK = 3  # drawn of those that a check has; all of them would take a day
SHOWN = 90  # letters of what is changed

Change = tuple[str, Callable[[Any], ast.AST | None]]  # in words, and what stands in the node's place; None: as changed

FLIPS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.GtE),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.LtE),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
}


def mutants_of(check: Check) -> list[Mutant]:
    """Return the sample of a check's mutants: the one that finds nothing, and some of the others, drawn by a seed."""
    tree = _module(check.path)
    places = changeable(tree, check.name)
    drawn = sorted(Random(f"{SEED} {check.name}").sample(places, min(PER_CHECK, len(places))))
    made = [("return no rows", check.line, _without_rows(tree, check.name)), *(changed(tree, *one) for one in drawn)]
    file = check.path.relative_to(project_root())
    mutants = [Mutant(check.name, mutation, f"{file}:{line}", "module", text) for mutation, line, text in made]
    return distinct(mutants, {"module": ast.unparse(tree)})


@cache
def _module(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def changeable(tree: ast.Module, name: str) -> list[tuple[int, int]]:
    """Return what can be changed of a function and of the helpers that it uses: a node, and which of its changes."""
    used = _used(tree, name)
    return [
        (place, number)
        for place, node in enumerate(ast.walk(tree))
        if id(node) in used
        for number, _ in enumerate(_changes(node))
    ]


def changed(tree: ast.Module, place: int, number: int) -> tuple[str, int, str]:
    """Return a mutation in words, its line, and the whole module with it."""
    tree = copy.deepcopy(tree)
    node = next(one for at, one in enumerate(ast.walk(tree)) if at == place)
    words = " ".join(ast.unparse(node).split())
    what, change = list(_changes(node))[number]
    other = change(node)
    if other is not None:
        _Swap(node, other).visit(tree)
    mutation = f"{what}: {words if len(words) <= SHOWN else words[: SHOWN - 1] + '…'}"
    return mutation, getattr(node, "lineno", 1), ast.unparse(ast.fix_missing_locations(tree))


def _used(tree: ast.Module, name: str) -> set[int]:
    """The nodes of a function and of all that it uses of its module's functions; what is asserted holds in any case."""
    functions = {one.name: one for one in tree.body if isinstance(one, ast.FunctionDef)}
    names, waiting = set[str](), [name]
    while waiting:
        if (one := waiting.pop()) in functions and one not in names:
            names.add(one)
            waiting += [node.id for node in ast.walk(functions[one]) if isinstance(node, ast.Name)]
    nodes = [node for one in names for part in functions[one].body for node in ast.walk(part)]
    asserted = {id(node) for one in nodes if isinstance(one, ast.Assert) for node in ast.walk(one)}
    return {id(node) for node in nodes} - asserted


class _Swap(ast.NodeTransformer):
    """Puts one node in the place of another."""

    def __init__(self, old: ast.AST, new: ast.AST) -> None:
        self.old, self.new = old, new

    def visit(self, node: ast.AST) -> ast.AST:
        return self.new if node is self.old else super().visit(node)


def _without_rows(tree: ast.Module, name: str) -> str:
    """The check that looks at everything and finds nothing."""
    more = f"_found = {name}\n\ndef {name}(audit):\n    rows, examined = _found(audit)\n"
    return f"{ast.unparse(tree)}\n\n{more}    return rows.iloc[:0], examined\n"


def _not(node: ast.expr) -> ast.expr:
    return ast.UnaryOp(ast.Not(), copy.deepcopy(node))


def _drop_filter(one: ast.comprehension, place: int) -> None:
    del one.ifs[place]


def _compare(one: ast.Compare, kind: type[ast.cmpop]) -> None:
    one.ops = [kind()]


def _changes(node: ast.AST) -> Iterator[Change]:
    """Yield what can be changed of one node of a function."""
    if isinstance(node, (ast.If, ast.IfExp)):
        yield "negate the condition of", lambda one: setattr(one, "test", _not(one.test))
    elif isinstance(node, ast.comprehension):
        for place, _ in enumerate(node.ifs):
            yield "drop a filter of", partial(_drop_filter, place=place)
    elif isinstance(node, ast.Compare) and len(node.ops) == 1:
        for kind in FLIPS[type(node.ops[0])]:
            yield f"{kind.__name__} instead in", partial(_compare, kind=kind)
    elif isinstance(node, ast.BoolOp):
        other: ast.boolop = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield f"{'or' if isinstance(other, ast.Or) else 'and'} instead in", lambda one: setattr(one, "op", other)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield "drop not", lambda one: one.operand
    elif isinstance(node, ast.Constant) and type(node.value) is int:
        yield "one more than", lambda one: ast.Constant(one.value + 1)
    elif _adds_rows(node):
        yield "drop", lambda one: ast.Pass()


def _adds_rows(node: ast.AST) -> bool:
    """Whether a statement adds to a list: by `append` or `extend`, or by `+=` of what is no number."""
    if isinstance(node, ast.AugAssign):
        return isinstance(node.op, ast.Add) and not isinstance(node.value, ast.Constant)
    call = node.value if isinstance(node, ast.Expr) else None
    return (
        isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr in ("append", "extend")
    )
