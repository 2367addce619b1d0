"""Everything that runs when a function runs: its helpers, their helpers, decorators, wrappers and callbacks."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from dsaudit.codebase.callsites import shared_resolver
from dsaudit.codebase.knowledge import is_request
from dsaudit.codebase.model import Code, Function, Scope
from dsaudit.codebase.nodes import arguments_of, nodes_of, terminal
from dsaudit.codebase.refs import ClassRef, ExternalRef, FunctionRef, InstanceRef, Ref, Refs, UnknownRef
from dsaudit.codebase.resolve import Resolver
from dsaudit.codebase.sites import Site, functions_of, sites_of

FARTHEST = 10  # calls away from the function
MOST = 300  # functions looked at
ROUNDS = 4  # passes until what callbacks are called with is known


@dataclass
class Reach:
    """The functions that run with `root`, each with the way to it, their sites, and which of them make a request."""

    code: Code
    root: Function
    units: dict[Function, tuple[Function, ...]] = field(default_factory=dict)
    sites: dict[Function, list[Site]] = field(default_factory=dict)
    bearing: set[Function] = field(default_factory=set)
    resolver: Resolver = field(init=False, repr=False)

    def way(self, unit: Function) -> str:
        """The calls that lead to a function, for evidence."""
        return " > ".join(one.name for one in (*self.units.get(unit, ()), unit))

    def nodes(self, unit: Function) -> tuple[ast.AST, ...]:
        """The nodes of a function that can run."""
        return nodes_of(unit, self.code)

    def scope(self, unit: Function) -> Scope:
        """The scope of a function's body."""
        return Scope(self.resolver.code_module(unit), unit.node)

    def followed(self, site: Site) -> list[Function]:
        """The functions of the code that a site runs."""
        return [function for ref in (*site.refs, *site.passed) for function in functions_of(ref, site, self.code)]

    def bears(self, site: Site) -> bool:
        """Whether a site makes a request, itself or further down."""
        if site.kind != "decorator" and self.requests(site):
            return True
        return any(function in self.bearing for function in self.followed(site))

    def requests(self, site: Site) -> list[Ref]:
        """What of a site sends an HTTP request; `session.get(Order, 1)` of an unseen session asks a database."""
        arguments = site.node.args if isinstance(site.node, ast.Call) else []
        model = bool(arguments) and terminal(arguments[0])[:1].isupper() and not terminal(arguments[0]).isupper()
        found = [ref for ref in (*site.refs, *site.passed) if is_request(ref)]
        return [ref for ref in found if not (model and isinstance(ref, UnknownRef))]

    def bearing_sites(self, unit: Function) -> list[Site]:
        """The sites of a function that make a request, in the order of the text."""
        return [site for site in self.sites.get(unit, ()) if self.bears(site)]

    def all_sites(self) -> Iterator[Site]:
        """All sites, those of near functions first."""
        for unit in self.units:
            yield from self.sites[unit]


def reach(code: Code, root: Function, apart: Callable[[Function], bool] = lambda function: False) -> Reach:
    """What runs with a function; functions that are `apart` are not followed."""
    given: dict[tuple[Function, str], Refs] = {}
    result = Reach(code, root)
    for _ in range(ROUNDS):
        result = Reach(code, root)
        result.resolver = Resolver(code, dict(given), shared_resolver(code))
        asked = _walk(result, apart)
        for site in result.all_sites():
            _bind(site, result, given)
        if not asked & (given.keys() - result.resolver.given.keys()):
            break
    _mark(result)
    return result


def _walk(result: Reach, apart: Callable[[Function], bool]) -> set[tuple[Function, str]]:
    """Follows all sites; gives back the parameters that it would have to know more of."""
    asked: set[tuple[Function, str]] = set()
    result.units[result.root] = ()
    waiting = [result.root]
    while waiting:
        unit = waiting.pop(0)
        result.sites[unit], unknown = _known_sites(unit, result)
        asked |= unknown
        way = (*result.units[unit], unit)
        for site in result.sites[unit]:
            for function in result.followed(site):
                if function in result.units or len(way) > FARTHEST or len(result.units) >= MOST or apart(function):
                    continue
                result.units[function] = way
                waiting.append(function)
    return asked


def _known_sites(unit: Function, result: Reach) -> tuple[list[Site], set[tuple[Function, str]]]:
    """The sites of a function, worked out once where they do not depend on how it was called."""
    known = result.code.memory.get(("sites", unit))
    if not isinstance(known, tuple):
        plain = shared_resolver(result.code)
        plain.asked = set()
        known = result.code.memory["sites", unit] = (list(sites_of(unit, plain)), plain.asked)
    sites, asked = known
    if not asked & result.resolver.given.keys():
        return sites, asked
    result.resolver.asked = set()
    return list(sites_of(unit, result.resolver)), asked | result.resolver.asked


def _mark(result: Reach) -> None:
    size = -1
    while size < len(result.bearing):
        size = len(result.bearing)
        for unit, sites in result.sites.items():
            if any(result.bears(site) for site in sites):
                result.bearing.add(unit)


def _bind(site: Site, result: Reach, given: dict[tuple[Function, str], Refs]) -> None:
    """Notes what parameters are called with, so that a callback leads to what was handed over."""
    if site.kind == "decorator":
        _decorated(site, result, given)
    if not isinstance(site.node, ast.Call) or site.kind != "call":
        return
    scope = result.scope(site.unit)
    for function, bound in _targets(site, result.code):
        for name, argument in arguments_of(site.node, function, bound):
            refs = [ref for ref in result.resolver.refs(argument, scope) if _worth(ref)]
            _note(given, (function, name), refs)


def _decorated(site: Site, result: Reach, given: dict[tuple[Function, str], Refs]) -> None:
    unit = FunctionRef(site.unit)
    for function, bound in _targets(site, result.code):
        takers = [function]
        if isinstance(site.node, ast.Call):
            module = result.resolver.code_module(function)
            takers = [one for one in module.functions.values() if one.chain[:-1] == function.chain]
            bound = False
        for taker in takers:
            names = [one.arg for one in (*taker.node.args.posonlyargs, *taker.node.args.args)][1 if bound else 0 :]
            if names:
                _note(given, (taker, names[0]), [unit])


def _targets(site: Site, code: Code) -> Iterator[tuple[Function, bool]]:
    for ref in site.refs:
        if isinstance(ref, FunctionRef):
            yield ref.function, ref.bound
        elif isinstance(ref, ClassRef | InstanceRef):
            yield from ((function, True) for function in functions_of(ref, site, code))


def _worth(ref: Ref) -> bool:
    if isinstance(ref, ExternalRef):
        return ref.package != "builtins"
    return not isinstance(ref, UnknownRef)


def _note(given: dict[tuple[Function, str], Refs], key: tuple[Function, str], refs: list[Ref]) -> None:
    if refs:
        given[key] = tuple(dict.fromkeys((*given.get(key, ()), *refs)))
