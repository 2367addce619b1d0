"""What an except handler or a branch really does."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from dsaudit.codebase.knowledge import is_logger_call
from dsaudit.codebase.model import Code, Function
from dsaudit.codebase.nodes import live_block, terminal, within
from dsaudit.codebase.reach import Reach

BROAD = {"Exception", "BaseException"}
# What ends a loop or a task, or comes from reading the answer rather than from asking for it or keeping it.
ELSEWHERE = {
    *("StopIteration", "StopAsyncIteration", "CancelledError", "KeyboardInterrupt", "GeneratorExit", "SystemExit"),
    *("ImportError", "ModuleNotFoundError", "JSONDecodeError", "KeyError", "IndexError", "AttributeError"),
    *("UnicodeDecodeError", "ZeroDivisionError", "AssertionError"),
}


def does_something(handler: ast.ExceptHandler) -> bool:
    """Whether a handler logs, records, raises or calls anything, rather than pass over the error."""
    for node in live_block(handler.body):
        if isinstance(node, ast.Raise | ast.Call | ast.Assign | ast.AugAssign | ast.AnnAssign):
            return True
        if isinstance(node, ast.Name) and handler.name and node.id == handler.name:
            return True
    return False


def is_broad(kind: ast.expr | None) -> bool:
    """Whether an except clause takes every error."""
    if isinstance(kind, ast.Tuple):
        return any(is_broad(one) for one in kind.elts)
    return kind is None or terminal(kind) in BROAD


def concerns(kind: ast.expr | None) -> bool:
    """Whether an except clause can take what a request or an ingest raises."""
    kinds = kind.elts if isinstance(kind, ast.Tuple) else [kind]
    return any(one is None or terminal(one) not in ELSEWHERE for one in kinds)


def with_bases(names: set[str], code: Code) -> set[str]:
    """Names of exceptions with those of the classes that they are made from in this code."""
    bases = {
        node.name: {terminal(base) for base in node.bases}
        for module in code.modules.values()
        for node in module.classes
        if isinstance(node, ast.ClassDef)
    }
    known, waiting = set(names), list(names)
    while waiting:
        following = bases.get(waiting.pop(), set()) - known
        known |= following
        waiting.extend(following)
    return known


def only_tells(statements: Iterable[ast.stmt], unit: Function, reach: Reach) -> bool:
    """Whether statements do nothing but pass, log or return a constant."""
    block = list(statements)
    module = reach.resolver.code_module(unit)
    for site in reach.sites.get(unit, ()):
        logs = any(is_logger_call(ref) for ref in site.refs) or any(_logs(one, reach) for one in reach.followed(site))
        if site.kind == "call" and not logs and within(site.node, block, module):
            parent = module.parents.get(site.node)
            if not _within_log(parent, reach, unit):
                return False
    for statement in block:
        if isinstance(statement, ast.Pass | ast.Continue | ast.Expr):
            continue
        if not isinstance(statement, ast.Return) or not isinstance(statement.value, ast.Constant | None):
            return False
    return True


def _logs(function: Function, reach: Reach) -> bool:
    return any(is_logger_call(ref) for site in reach.sites.get(function, ()) for ref in site.refs)


def _within_log(node: ast.AST | None, reach: Reach, unit: Function) -> bool:
    return any(site.node is node and any(is_logger_call(ref) for ref in site.refs) for site in reach.sites[unit])
