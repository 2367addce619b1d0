"""Calls that hand the request to code that was not read, where a practice may be that cannot be seen from here."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from dsaudit.codebase.knowledge import is_harmless, is_request, retries
from dsaudit.codebase.nodes import within
from dsaudit.codebase.reach import Reach
from dsaudit.codebase.refs import ExternalRef, Ref, UnknownRef
from dsaudit.codebase.sites import Site


def delegated(reach: Reach) -> tuple[Site, str] | None:
    """The first site that gives the request out of sight, with the reason; None if there is none."""
    for search in (_wrapped, _unseen_clients, _answered_elsewhere):
        for found in search(reach):
            return found
    return None


def _unseen(site: Site, refs: tuple[Ref, ...]) -> str | None:
    for ref in refs:
        if isinstance(ref, ExternalRef | UnknownRef) and not is_harmless(ref) and not retries(ref):
            return ref.dotted if isinstance(ref, ExternalRef) else ref.path or "a call"
    return None


def _wrapped(reach: Reach) -> Iterator[tuple[Site, str]]:
    """Decorators, context managers and callers of callbacks that stand around the request."""
    for site in reach.all_sites():
        name = _unseen(site, site.refs)
        if name is None:
            continue
        module = reach.resolver.code_module(site.unit)
        around = site.kind == "decorator" and (site.unit in reach.bearing or site.unit is reach.root)
        if site.kind == "with":
            if any(one.node is site.node and reach.followed(one) for one in reach.sites[site.unit]):
                continue  # made by a function of the code, which is read
            statement = module.parents.get(module.parents.get(site.node, site.node))
            body = statement.body if isinstance(statement, ast.With | ast.AsyncWith) else []
            around = any(within(one.node, body, module) for one in reach.bearing_sites(site.unit))
        elif site.kind == "call":
            handed = [function for function in reach.followed(site) if function in reach.bearing]
            around = bool(handed) or any(is_request(ref) for ref in site.passed)
        if around:
            yield site, f"{name} stands around the request and was not read"


def _unseen_clients(reach: Reach) -> Iterator[tuple[Site, str]]:
    for site in reach.all_sites():
        if reach.followed(site) or any(isinstance(ref, ExternalRef) and is_request(ref) for ref in site.refs):
            continue
        for ref in reach.requests(site):
            if isinstance(ref, UnknownRef):
                yield site, f"{ref.path} makes the request, and its class was not read"


def _answered_elsewhere(reach: Reach) -> Iterator[tuple[Site, str]]:
    """Calls of unseen code whose result is made use of, as an answer would be; any, where no request is seen at all."""
    for site in reach.all_sites():
        name = _unseen(site, site.refs)
        if site.kind != "call" or name is None:
            continue
        unknown = all(isinstance(ref, UnknownRef) for ref in site.refs)
        awaited, looped, used = _use(site, reach)
        if looped or (awaited and used and not unknown) or not reach.bearing:
            yield site, f"{name} may make the request and was not read"


def _use(site: Site, reach: Reach) -> tuple[bool, bool, bool]:
    """Whether the result is awaited, looped over, used at all."""
    parents = reach.resolver.code_module(site.unit).parents
    outer = parents.get(site.node)
    awaited = isinstance(outer, ast.Await)
    if awaited and outer is not None:
        inner, outer = outer, parents.get(outer)
    else:
        inner = site.node
    looped = isinstance(outer, ast.For | ast.AsyncFor | ast.comprehension) and outer.iter is inner
    return awaited, looped, not isinstance(outer, ast.Expr)
