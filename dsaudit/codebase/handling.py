"""What an except handler or a branch really does."""

from __future__ import annotations

import ast

from dsaudit.codebase.knowledge import SDKS
from dsaudit.codebase.model import Code
from dsaudit.codebase.nodes import live_block, terminal
from dsaudit.codebase.reach import Reach
from dsaudit.codebase.refs import ExternalRef
from dsaudit.codebase.sites import Site

BROAD = {"Exception", "BaseException"}
# What ends a loop or a task, or comes from reading the answer rather than from asking for it or keeping it.
ELSEWHERE = {
    *("StopIteration", "StopAsyncIteration", "CancelledError", "KeyboardInterrupt", "GeneratorExit", "SystemExit"),
    *("ImportError", "ModuleNotFoundError", "JSONDecodeError", "KeyError", "IndexError", "AttributeError"),
    *("UnicodeDecodeError", "ZeroDivisionError", "AssertionError"),
}


def does_something(handler: ast.ExceptHandler) -> bool:
    """Whether a handler logs, records, raises or calls anything, rather than pass over the error.

    An empty list, mapping or None in place of what was not fetched is nothing.
    """
    for node in live_block(handler.body):
        if isinstance(node, ast.Raise | ast.Call | ast.AugAssign):
            return True
        if isinstance(node, ast.Assign | ast.AnnAssign) and not is_empty(node.value):
            return True
        if isinstance(node, ast.Name) and handler.name and node.id == handler.name:
            return True
    return False


def is_empty(node: ast.expr | None) -> bool:
    """Whether a value stands for nothing: None, or a display without elements."""
    elements = node.keys if isinstance(node, ast.Dict) else getattr(node, "elts", None)
    return elements == [] or (isinstance(node, ast.Constant) and node.value is None)


def retried_task(site: Site) -> bool:
    """Whether a decorator makes a task of a queue, which runs again after certain errors."""
    keywords = site.node.keywords if site.kind == "decorator" and isinstance(site.node, ast.Call) else []
    return any(one.arg == "autoretry_for" for one in keywords)


def raises(reach: Reach) -> bool:
    """Whether a bad answer becomes an exception: by the client, a provider's library, or a raise near the request."""
    for site in reach.all_sites():
        if site.kind == "call" and terminal(site.node) == "raise_for_status":
            return True
        if any(isinstance(ref, ExternalRef) and ref.package in SDKS for ref in reach.requests(site)):
            return True
        arguments = {one.arg for one in site.node.keywords} if isinstance(site.node, ast.Call) else set()
        if arguments & {"raise_for_status", "event_hooks"}:
            return True
    near = {one for unit in reach.bearing for site in reach.sites[unit] for one in (unit, *reach.followed(site))}
    return any(isinstance(node, ast.Raise) for unit in near if unit in reach.units for node in reach.nodes(unit))


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
