"""The HTTP routes of an application, as far as they are plain to see in its code."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from dsaudit.background import coded
from dsaudit.codebase.model import Code, Function, Module, Scope
from dsaudit.codebase.nodes import decorators_of, scope_of, terminal
from dsaudit.codebase.refs import FunctionRef
from dsaudit.codebase.resolve import Resolver

METHODS = ("POST", "PUT", "PATCH", "GET")  # of the requests that a parameter file may declare
REGISTERING = {"Route", "APIRoute", "add_route", "add_api_route", "path"}
DECORATING = {"route", "api_route", *map(str.lower, METHODS)}
PREFIXES = {"prefix", "url_prefix"}
QUEUEING = {"delay", "apply_async"}


@dataclass(frozen=True)
class Route:
    """A path without its first slash, its method, and the function that answers, where that is known."""

    path: str
    method: str
    function: Function | None
    where: str


def routes(code: Code) -> Iterator[Route]:
    """Yield the routes that decorators and tables of routes give; one with something to fill in is left out."""
    for module in code.modules.values():
        for function in module.functions.values():
            for call in decorators_of(function.node):
                if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr in DECORATING:
                    yield from _route(call, _prefix(call.func.value, module), function, module)
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call) and terminal(node.func) in REGISTERING and len(node.args) > 1:
                refs = Resolver(code).refs(node.args[1], scope_of(node, module))
                found = next((ref.function for ref in refs if isinstance(ref, FunctionRef)), None)
                yield from _route(node, "", found, module)


def _route(call: ast.Call, prefix: str, function: Function | None, module: Module) -> Iterator[Route]:
    path = _text(call.args[0]) if call.args else None
    whole = f"{prefix}{path or ''}".strip("/")
    is_registered = terminal(call.func) in REGISTERING
    if path is None or not (is_registered or path.startswith("/")) or not whole or set(whole) & set("{}<>:"):
        return
    verb = terminal(call.func).upper()
    given = next((one.value for one in call.keywords if one.arg == "methods"), None)
    listed = [_text(one) for one in given.elts] if isinstance(given, ast.List | ast.Tuple | ast.Set) else []
    method = verb if verb in METHODS else next((one for one in METHODS if one in listed), "GET")
    yield Route(whole, method, function, f"{module.file}:{call.lineno}")


def _prefix(router: ast.expr, module: Module) -> str:
    """Return what a router of the same module puts before its paths."""
    for node in module.tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(router) in map(ast.unparse, node.targets):
            given = node.value.keywords if isinstance(node.value, ast.Call) else []
            return next((_text(one.value) or "" for one in given if one.arg in PREFIXES), "")
    return ""


def _text(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def queues(code: Code, function: Function, task: str) -> bool:
    """Return whether a function itself queues a task, by ``send_task`` or by the task's own method."""
    reading = coded.Reading(code, task)
    module = next(one for one in code.modules.values() if one.file == function.file)
    for node in ast.walk(function.node):
        if isinstance(node, ast.Call):
            named = node.args[0] if terminal(node.func) == "send_task" and node.args else None
            if terminal(node.func) in QUEUEING and isinstance(node.func, ast.Attribute):
                named = node
            if named is not None and coded.task_of(reading, named, Scope(module, function.node)) == task:
                return True
    return False
