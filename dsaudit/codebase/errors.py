"""Whether errors of the request or of the ingest are handled: caught and acted upon, here or by a caller."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from dsaudit.codebase.callers import caller_that_handles
from dsaudit.codebase.findings import Finding
from dsaudit.codebase.handling import concerns, does_something, is_broad, raises, retried_task
from dsaudit.codebase.knowledge import INGEST
from dsaudit.codebase.model import Function, Module
from dsaudit.codebase.nodes import decorators_of, live_block, terminal, within
from dsaudit.codebase.reach import Reach
from dsaudit.codebase.sites import Site

DATABASE = {"execute", "executemany", "commit", "flush", "add_all", "copy"}
MANAGERS = {"contextmanager", "asynccontextmanager"}
Try = ast.Try | ast.TryStar


def errors(reach: Reach) -> Finding | None:
    """Found where a try around the request or the ingest logs, records or raises; absent where errors are swallowed."""
    swallowed = next(_swallowed(reach), None)
    if swallowed is not None:
        return swallowed
    for unit, node in _tries(reach):
        for handler in node.handlers:
            acts = _acts(handler, unit, node, reach)
            if concerns(handler.type) and acts:
                how = f"errors of the request or the ingest are caught and acted upon, in {reach.way(unit)}"
                return Finding("found", unit.file, handler.lineno, how)
    for site in reach.all_sites():
        if retried_task(site) and site.unit in reach.bearing:
            return Finding("found", site.unit.file, site.line, "the queue runs the task again after an error")
        if _gathers(site, reach):
            how = f"the errors that {terminal(site.node)} gives back are acted upon, in {reach.way(site.unit)}"
            return Finding("found", site.unit.file, site.line, how)
    if not raises(reach):
        return None
    place = caller_that_handles(reach.code, reach.root)
    if place is None:
        return None
    caller, line = place
    return Finding("found", caller.file, line, f"errors are raised, and {caller.name}, which calls it, handles them")


def _swallowed(reach: Reach) -> Iterator[Finding]:
    for unit, node in _tries(reach):
        for handler in node.handlers:
            if is_broad(handler.type) and not _acts(handler, unit, node, reach):
                how = f"an error of the request or the ingest is passed over in silence, in {reach.way(unit)}"
                yield Finding("absent", unit.file, handler.lineno, how)
    for site in reach.all_sites():
        if site.kind == "with" and any(getattr(ref, "dotted", "") == "contextlib.suppress()" for ref in site.refs):
            broad = isinstance(site.node, ast.Call) and any(is_broad(argument) for argument in site.node.args)
            if broad and any(_concerned(one, reach) for one in _inside(site, reach)):
                yield Finding("absent", site.unit.file, site.line, f"errors are suppressed, in {reach.way(site.unit)}")


def _acts(handler: ast.ExceptHandler, unit: Function, node: Try, reach: Reach) -> bool:
    return does_something(handler) or _raised_later(unit, node, reach) or _told_later(handler, unit, reach)


def _told_later(handler: ast.ExceptHandler, unit: Function, reach: Reach) -> bool:
    """Whether a later condition asks for what a handler put in place of an answer."""
    assigned = [one for one in live_block(handler.body) if isinstance(one, ast.Assign)]
    names = {terminal(target) for one in assigned for target in one.targets} - {""}
    tests = [one.test for one in reach.nodes(unit) if isinstance(one, ast.If) and one.lineno > handler.lineno]
    return any(names & {terminal(one) for one in ast.walk(test)} for test in tests)


def _gathers(site: Site, reach: Reach) -> bool:
    """Whether tasks that ask give their errors back as results, and a result that is an error is acted upon."""
    keywords = site.node.keywords if site.kind == "call" and isinstance(site.node, ast.Call) else []
    if not any(one.arg == "return_exceptions" for one in keywords):
        return False
    tests = [one for one in reach.nodes(site.unit) if isinstance(one, ast.If) and _is_error(one.test)]
    acts = (ast.Raise, ast.Call, ast.AugAssign)
    return any(isinstance(inner, acts) for one in tests for inner in live_block(one.body))


def _is_error(test: ast.expr) -> bool:
    kind = (
        test.args[1] if isinstance(test, ast.Call) and terminal(test) == "isinstance" and len(test.args) > 1 else None
    )
    return kind is not None and is_broad(kind)


def _raised_later(unit: Function, node: ast.AST, reach: Reach) -> bool:
    """Whether a try in a loop of attempts is followed by a raise once they are used up."""
    module = reach.resolver.code_module(unit)
    loops = [one for one in reach.nodes(unit) if isinstance(one, ast.For | ast.AsyncFor | ast.While)]
    around = [loop for loop in loops if within(node, loop.body, module)]
    raises = [one for one in reach.nodes(unit) if isinstance(one, ast.Raise)]
    return any(not within(one, [loop], module) or within(one, loop.orelse, module) for loop in around for one in raises)


def _tries(reach: Reach) -> Iterator[tuple[Function, Try]]:
    """The try statements around a request or an ingest, those of near functions first."""
    for unit in reach.units:
        module = reach.resolver.code_module(unit)
        for node in reach.nodes(unit):
            if isinstance(node, Try) and (_protects(node, unit, module, reach) or _manages(node, unit, module, reach)):
                yield unit, node


def _protects(node: Try, unit: Function, module: Module, reach: Reach) -> bool:
    inside = [site for site in reach.sites[unit] if within(site.node, node.body, module)]
    return any(_concerned(site, reach) for site in inside)


def _concerned(site: Site, reach: Reach) -> bool:
    name = terminal(site.node)
    ingests = site.kind == "call" and (name in DATABASE or bool(INGEST.search(name)))
    return ingests or reach.bears(site)


def _manages(node: Try, unit: Function, module: Module, reach: Reach) -> bool:
    """Whether a context manager's try stands around the yield, and a with around a request or an ingest enters it."""
    decorators = {terminal(one) for one in decorators_of(unit.node)}
    yields = [one for one in reach.nodes(unit) if isinstance(one, ast.Yield) and within(one, node.body, module)]
    if not yields or not decorators & MANAGERS:
        return False
    for site in reach.all_sites():
        if unit in reach.followed(site) and any(_concerned(one, reach) for one in _inside(site, reach)):
            return True
    return False


def _inside(site: Site, reach: Reach) -> list[Site]:
    """The sites in the body of the with statement that a site enters."""
    module = reach.resolver.code_module(site.unit)
    item = module.parents.get(site.node)
    statement = module.parents.get(item) if isinstance(item, ast.withitem) else None
    if not isinstance(statement, ast.With | ast.AsyncWith):
        return []
    return [one for one in reach.sites[site.unit] if within(one.node, statement.body, module)]
