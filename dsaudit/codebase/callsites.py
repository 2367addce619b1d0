"""Where the code calls or names a function."""

from __future__ import annotations

import ast

from dsaudit.codebase.mentions import mentions
from dsaudit.codebase.model import Code, Function, Module
from dsaudit.codebase.nodes import scope_of
from dsaudit.codebase.refs import FunctionRef
from dsaudit.codebase.resolve import Resolver

Place = tuple[Module, ast.Call]


def call_sites(code: Code, function: Function) -> list[tuple[Place, bool]]:
    """The calls of a function by its name, each with whether an instance gives the first parameter."""
    resolver, found = shared_resolver(code), []
    for module, node in mentions(code).get(function.name, []):
        parent = module.parents.get(node)
        if not isinstance(parent, ast.Call) or parent.func is not node:
            continue
        for ref in resolver.refs(node, scope_of(node, module)):
            if isinstance(ref, FunctionRef) and ref.function == function:
                found.append(((module, parent), ref.bound))
    return found


def is_named(code: Code, function: Function) -> bool:
    """Whether anything in the code uses a function: a call, a decorator, a route, an argument."""
    own = set(ast.walk(function.node))
    return bool(function.node and any(node not in own for _, node in mentions(code).get(function.name, [])))


def shared_resolver(code: Code) -> Resolver:
    """One resolver for all questions that know nothing of the way to a function."""
    return code.once("resolver", lambda: Resolver(code))
