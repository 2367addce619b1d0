"""Libraries that ask again, or later, on behalf of a function: decorators, adapters, limiters, task queues."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from dsaudit.codebase.findings import Finding
from dsaudit.codebase.handling import raises, retried_task
from dsaudit.codebase.knowledge import CONNECTING, RAISED_FIRST, retries
from dsaudit.codebase.model import Code, Module, Scope
from dsaudit.codebase.names import Found, lookup
from dsaudit.codebase.nodes import scope_of, terminal, within
from dsaudit.codebase.reach import Reach
from dsaudit.codebase.sites import Site

ADAPTERS = {"Retry", "RetryTransport", "LimiterSession", "RetryClient"}
BY_RESULT = {"retry_if_result", "retry_if_not_result", "on_predicate", "retry_on_result"}
ERROR = re.compile(r"(Error|Exception|Limit(ed)?|Throttled)$")


def found(file: str, line: int, how: str) -> Finding:
    """A place that heeds the rate limit."""
    return Finding("found", file, line, how)


def by_library(reach: Reach) -> Iterator[Finding]:
    """A library around the request that asks again what is refused, or keeps below a rate."""
    for site in reach.all_sites():
        names = [getattr(ref, "dotted", "") for ref in site.refs if retries(ref)]
        if not names or (names[0].split(".")[0] in RAISED_FIRST and not _raised_to(site, reach)):
            continue
        bearing = [one.node for one in reach.bearing_sites(site.unit)]
        module = reach.resolver.code_module(site.unit)
        around = {"decorator": site.unit in reach.bearing, "call": reach.bears(site)}
        if isinstance(site.node, ast.Call) and terminal(site.node) in {"acquire", "try_acquire", "wait", "__call__"}:
            around["call"] = bool(bearing)
        outer = module.parents.get(site.node)
        block = outer if isinstance(outer, ast.For | ast.AsyncFor) else module.parents.get(outer) if outer else None
        if site.kind in {"with", "loop"} and isinstance(block, ast.For | ast.AsyncFor | ast.With | ast.AsyncWith):
            around[site.kind] = any(within(node, block.body, module) for node in bearing)
        if around.get(site.kind):
            how = f"{names[0].replace('()', '')} stands around the request, in {reach.way(site.unit)}"
            yield found(site.unit.file, site.line, how)


def _raised_to(site: Site, reach: Reach) -> bool:
    """Whether an answer of 429 becomes an error, and one that the retrying around it takes."""
    if any(terminal(one) in BY_RESULT for one in ast.walk(site.node)):
        return True
    return not _only_connecting(site, reach) and raises(reach)


def _only_connecting(site: Site, reach: Reach) -> bool:
    """Whether the errors that are named as worth another try are those of the connection alone."""
    named = {terminal(one) for one in _names_in(site.node, reach.resolver.code_module(site.unit), reach.code)}
    return bool(named & CONNECTING) and not any(ERROR.search(name) for name in named - CONNECTING)


def _names_in(node: ast.AST, module: Module, code: Code) -> Iterator[ast.AST]:
    """The names in an expression, also those in a tuple that one of them was given in its module."""
    for one in ast.walk(node):
        if isinstance(one, ast.Name | ast.Attribute):
            yield one
        given = lookup(code, Scope(module, module.tree), one.id) if isinstance(one, ast.Name) else None
        for binding in given.bindings if isinstance(given, Found) else ():
            if isinstance(binding.value, ast.Tuple):
                yield from binding.value.elts


def by_task(reach: Reach) -> Iterator[Finding]:
    """A task of a queue that runs again, later, after what it raises."""
    for site in reach.all_sites():
        if retried_task(site) and site.unit in reach.bearing and _raised_to(site, reach):
            yield found(site.unit.file, site.line, f"the task runs again after an error, in {reach.way(site.unit)}")


def by_adapter(reach: Reach) -> Iterator[Finding]:
    """A client that was built with a retrying adapter, in a module that makes the request."""
    modules = {reach.resolver.code_module(unit).name: reach.resolver.code_module(unit) for unit in reach.bearing}
    for module in modules.values():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call) and terminal(node) in ADAPTERS:
                scope = scope_of(node, module)
                if any(retries(ref) for ref in reach.resolver.refs(node.func, scope)):
                    yield found(module.file, node.lineno, f"the client retries by {terminal(node)}")
