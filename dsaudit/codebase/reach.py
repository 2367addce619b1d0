"""Everything that runs when a function runs: its helpers, their helpers, decorators, wrappers and callbacks."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from dsaudit.codebase.classes import ClassAt, family
from dsaudit.codebase.knowledge import HOOKS, is_request
from dsaudit.codebase.model import Code, Function, Scope
from dsaudit.codebase.nodes import decorators_of, live, terminal
from dsaudit.codebase.refs import ClassRef, ExternalRef, FunctionRef, InstanceRef, Ref, Refs, UnknownRef
from dsaudit.codebase.resolve import Resolver

FARTHEST = 10  # calls away from the function
MOST = 400  # functions looked at
ROUNDS = 4  # passes until what callbacks are called with is known
ENTERED = {
    "call": ("__call__",),
    "with": ("__enter__", "__aenter__", "__exit__", "__aexit__"),
    "loop": ("__iter__", "__aiter__", "__next__", "__anext__"),
    "handed on": ("__call__", "auth_flow", "async_auth_flow", *HOOKS),
}


@dataclass(frozen=True)
class Site:
    """A place where something is called, entered, looped over, decorated or handed on; `passed` are its arguments."""

    unit: Function
    node: ast.expr
    kind: str
    refs: Refs
    passed: Refs = ()

    @property
    def line(self) -> int:
        """The line on which it stands."""
        return self.node.lineno


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
        known = self.code.memory.get(unit)
        if not isinstance(known, tuple):
            known = self.code.memory[unit] = tuple(live(unit.node))
        return known

    def scope(self, unit: Function) -> Scope:
        """The scope of a function's body."""
        return Scope(self.resolver.code_module(unit), unit.node)

    def followed(self, site: Site) -> list[Function]:
        """The functions of the code that a site runs."""
        return [function for ref in (*site.refs, *site.passed) for function in _functions(ref, site, self.code)]

    def bears(self, site: Site) -> bool:
        """Whether a site makes a request, itself or further down."""
        if any(is_request(ref) for ref in (*site.refs, *site.passed)):
            return site.kind != "decorator"
        return any(function in self.bearing for function in self.followed(site))

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
        result.resolver = Resolver(code, dict(given))
        _walk(result, apart)
        for site in result.all_sites():
            _bind(site, result, given)
        if not result.resolver.asked & given.keys():
            break
    _mark(result)
    return result


def _walk(result: Reach, apart: Callable[[Function], bool]) -> None:
    result.units[result.root] = ()
    waiting = [result.root]
    while waiting:
        unit = waiting.pop(0)
        result.sites[unit] = list(_sites(unit, result))
        way = (*result.units[unit], unit)
        for site in result.sites[unit]:
            for function in result.followed(site):
                if function in result.units or len(way) > FARTHEST or len(result.units) >= MOST or apart(function):
                    continue
                result.units[function] = way
                waiting.append(function)


def _mark(result: Reach) -> None:
    size = -1
    while size < len(result.bearing):
        size = len(result.bearing)
        for unit, sites in result.sites.items():
            if any(result.bears(site) for site in sites):
                result.bearing.add(unit)


def _sites(unit: Function, result: Reach) -> Iterator[Site]:
    scope, refs = result.scope(unit), result.resolver.refs
    properties = _properties(result.code)
    for decorator in decorators_of(unit.node):
        target = decorator.func if isinstance(decorator, ast.Call) else decorator
        yield Site(unit, decorator, "decorator", refs(target, _around(unit, scope)))
    for node in result.nodes(unit):
        if isinstance(node, ast.Call):
            yield Site(unit, node, "call", refs(node.func, scope), _passed(node, scope, result))
        elif isinstance(node, ast.With | ast.AsyncWith):
            for item in node.items:
                yield Site(unit, item.context_expr, "with", refs(item.context_expr, scope))
        elif isinstance(node, ast.For | ast.AsyncFor):
            yield Site(unit, node.iter, "loop", refs(node.iter, scope))
        elif isinstance(node, ast.Attribute) and node.attr in properties:
            yield from _property(node, unit, scope, result)
        elif isinstance(node, ast.Return) and isinstance(node.value, ast.Name):
            inner = [ref for ref in refs(node.value, scope) if isinstance(ref, FunctionRef)]
            yield Site(unit, node.value, "handed on", (), tuple(inner))


def _around(unit: Function, scope: Scope) -> Scope:
    return Scope(scope.module, unit.chain[-2] if len(unit.chain) > 1 else scope.module.tree)


def _passed(node: ast.Call, scope: Scope, result: Reach) -> Refs:
    arguments = [*node.args, *(keyword.value for keyword in node.keywords)]
    found: list[Ref] = []
    for argument in arguments:
        if isinstance(argument, ast.Name | ast.Attribute | ast.Lambda | ast.Call):
            for ref in result.resolver.refs(argument, scope):
                method = isinstance(ref, ExternalRef) and not isinstance(argument, ast.Call)
                instance = isinstance(ref, InstanceRef) and isinstance(argument, ast.Call)
                if instance or method or (isinstance(ref, FunctionRef) and _is_given(argument, result, scope)):
                    found.append(ref)
    return tuple(found)


def _is_given(argument: ast.expr, result: Reach, scope: Scope) -> bool:
    """A function itself is handed on, not what it returns when called here (but for functools.partial)."""
    if not isinstance(argument, ast.Call):
        return True
    return ExternalRef("functools.partial") in result.resolver.refs(argument.func, scope)


def _properties(code: Code) -> set[str]:
    known = code.memory.get("properties")
    if not isinstance(known, set):
        wanted = {"property", "cached_property"}
        known = {
            function.name
            for function in code.functions()
            if wanted & {terminal(one) for one in decorators_of(function.node)}
        }
        code.memory["properties"] = known
    return known


def _property(node: ast.Attribute, unit: Function, scope: Scope, result: Reach) -> Iterator[Site]:
    for base in result.resolver.refs(node.value, scope):
        for parent in family(result.code, base.at) if isinstance(base, InstanceRef) else ():
            bindings = parent.module.tables[parent.node].bindings if isinstance(parent, ClassAt) else {}
            for binding in bindings.get(node.attr, []):
                if isinstance(parent, ClassAt) and binding.kind == "function":
                    yield Site(unit, node, "property", (FunctionRef(parent.module.functions[binding.node], True),))


def _functions(ref: Ref, site: Site, code: Code) -> Iterator[Function]:
    if isinstance(ref, FunctionRef):
        yield ref.function
    elif isinstance(ref, ClassRef | InstanceRef):
        names = ("__init__", "__post_init__", "__new__") if isinstance(ref, ClassRef) else ENTERED.get(site.kind, ())
        if isinstance(ref, InstanceRef) and ref in site.passed:
            names = ENTERED["handed on"]
        if site.kind == "decorator" and isinstance(ref, ClassRef):
            names = (*names, "__call__")
        yield from _methods(ref, names, code)


def _methods(ref: ClassRef | InstanceRef, names: tuple[str, ...], code: Code) -> Iterator[Function]:
    for parent in family(code, ref.at):
        for name in names if isinstance(parent, ClassAt) else ():
            for binding in parent.module.tables[parent.node].bindings.get(name, []):  # type: ignore[union-attr]
                if binding.kind == "function":
                    yield parent.module.functions[binding.node]  # type: ignore[union-attr]


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
            yield from ((function, True) for function in _functions(ref, site, code))


def arguments_of(call: ast.Call, function: Function, bound: bool) -> Iterator[tuple[str, ast.expr]]:
    """The parameters of a function with the expressions that a call gives them."""
    arguments = function.node.args
    names = [one.arg for one in (*arguments.posonlyargs, *arguments.args)][1 if bound else 0 :]
    for name, argument in zip(names, call.args, strict=False):
        if isinstance(argument, ast.Starred):
            break
        yield name, argument
    known = {one.arg for one in (*arguments.args, *arguments.kwonlyargs)}
    for keyword in call.keywords:
        if keyword.arg in known and keyword.arg is not None:
            yield keyword.arg, keyword.value


def _worth(ref: Ref) -> bool:
    if isinstance(ref, ExternalRef):
        return ref.package != "builtins"
    return not isinstance(ref, UnknownRef)


def _note(given: dict[tuple[Function, str], Refs], key: tuple[Function, str], refs: list[Ref]) -> None:
    if refs:
        given[key] = tuple(dict.fromkeys((*given.get(key, ()), *refs)))
