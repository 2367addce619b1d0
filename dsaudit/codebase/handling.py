"""What an except handler or a branch really does."""

from __future__ import annotations

import ast

from dsaudit.codebase.model import Code
from dsaudit.codebase.nodes import live_block, terminal

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
