"""Who calls a function: the callers within the code whose handler takes the errors it raises."""

from __future__ import annotations

import ast

from dsaudit.codebase.callsites import shared_resolver
from dsaudit.codebase.handling import concerns, does_something
from dsaudit.codebase.model import Code, Function, Module
from dsaudit.codebase.nodes import live, live_block, scope_of
from dsaudit.codebase.refs import FunctionRef, Ref

FARTHEST = 3


def caller_that_handles(code: Code, wanted: Function) -> tuple[Function, int] | None:
    """The function with a try around a call that leads to `wanted`, with the line of the handler; None if none."""
    for module in code.modules.values():
        for node in ast.walk(module.tree):
            if not isinstance(node, ast.Try) or not _around_call(node, module, wanted, code):
                continue
            for handler in node.handlers:
                scope = scope_of(node, module)
                caller = module.functions.get(scope.node)
                if caller is not None and concerns(handler.type) and does_something(handler):
                    return caller, handler.lineno
    return None


def _around_call(node: ast.Try, module: Module, wanted: Function, code: Code) -> bool:
    if scope_of(node, module).node not in module.functions:
        return False
    calls = [inner for inner in live_block(node.body) if isinstance(inner, ast.Call)]
    return any(wanted in leading(called, code, FARTHEST) for call in calls for called in _called(call, module, code))


def _called(call: ast.Call, module: Module, code: Code) -> list[Function]:
    """The functions that a call runs, itself or as an argument."""
    scope, resolver = scope_of(call, module), shared_resolver(code)
    found: list[Ref] = list(resolver.refs(call.func, scope))
    for argument in (*call.args, *(keyword.value for keyword in call.keywords)):
        if isinstance(argument, ast.Name | ast.Attribute | ast.Lambda):
            found.extend(resolver.refs(argument, scope))
    return [ref.function for ref in found if isinstance(ref, FunctionRef)]


def leading(start: Function, code: Code, depth: int) -> set[Function]:
    """A function with those that it leads to in at most `depth` calls."""
    known, edge = {start}, {start}
    for _ in range(depth):
        edge = {called for function in edge for called in _callees(function, code)} - known
        known |= edge
    return known


def _callees(function: Function, code: Code) -> frozenset[Function]:
    key = ("callees", function)
    known = code.memory.get(key)
    if not isinstance(known, frozenset):
        module = shared_resolver(code).code_module(function)
        calls = [node for node in live(function.node) if isinstance(node, ast.Call)]
        known = code.memory[key] = frozenset(called for call in calls for called in _called(call, module, code))
    return known
