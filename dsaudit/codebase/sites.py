"""The places in a function where something is called, entered, looped over, decorated or handed on."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from dsaudit.codebase.classes import ClassAt, family
from dsaudit.codebase.knowledge import HOOKS
from dsaudit.codebase.model import Code, Function, Scope
from dsaudit.codebase.nodes import decorators_of, nodes_of, terminal
from dsaudit.codebase.refs import ClassRef, ExternalRef, FunctionRef, InstanceRef, Ref, Refs
from dsaudit.codebase.resolve import Resolver

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


def sites_of(unit: Function, resolver: Resolver) -> Iterator[Site]:
    """All such places, in the order of the text."""
    scope, refs = Scope(resolver.code_module(unit), unit.node), resolver.refs
    properties = _properties(resolver.code)
    for decorator in decorators_of(unit.node):
        target = decorator.func if isinstance(decorator, ast.Call) else decorator
        yield Site(unit, decorator, "decorator", refs(target, _around(unit, scope)))
    for node in nodes_of(unit, resolver.code):
        if isinstance(node, ast.Call):
            yield Site(unit, node, "call", refs(node.func, scope), _passed(node, scope, resolver))
        elif isinstance(node, ast.With | ast.AsyncWith):
            for item in node.items:
                yield Site(unit, item.context_expr, "with", refs(item.context_expr, scope))
        elif isinstance(node, ast.For | ast.AsyncFor):
            yield Site(unit, node.iter, "loop", refs(node.iter, scope))
        elif isinstance(node, ast.Attribute) and node.attr in properties:
            yield from _property(node, unit, scope, resolver)
        elif isinstance(node, ast.Return) and isinstance(node.value, ast.Name):
            inner = [ref for ref in refs(node.value, scope) if isinstance(ref, FunctionRef)]
            yield Site(unit, node.value, "handed on", (), tuple(inner))


def _around(unit: Function, scope: Scope) -> Scope:
    return Scope(scope.module, unit.chain[-2] if len(unit.chain) > 1 else scope.module.tree)


def _passed(node: ast.Call, scope: Scope, resolver: Resolver) -> Refs:
    arguments = [*node.args, *(keyword.value for keyword in node.keywords)]
    found: list[Ref] = []
    for argument in arguments:
        if isinstance(argument, ast.Name | ast.Attribute | ast.Lambda | ast.Call):
            for ref in resolver.refs(argument, scope):
                method = isinstance(ref, ExternalRef) and not isinstance(argument, ast.Call)
                instance = isinstance(ref, InstanceRef) and isinstance(argument, ast.Call)
                if instance or method or (isinstance(ref, FunctionRef) and _is_given(argument, resolver, scope)):
                    found.append(ref)
    return tuple(found)


def _is_given(argument: ast.expr, resolver: Resolver, scope: Scope) -> bool:
    """A function itself is handed on, not what it returns when called here (but for functools.partial)."""
    if not isinstance(argument, ast.Call):
        return True
    return ExternalRef("functools.partial") in resolver.refs(argument.func, scope)


def _properties(code: Code) -> set[str]:
    wanted = {"property", "cached_property"}
    functions = code.functions
    return code.once(
        "properties",
        lambda: {one.name for one in functions() if wanted & {terminal(each) for each in decorators_of(one.node)}},
    )


def _property(node: ast.Attribute, unit: Function, scope: Scope, resolver: Resolver) -> Iterator[Site]:
    for base in resolver.refs(node.value, scope):
        for parent in family(resolver.code, base.at) if isinstance(base, InstanceRef) else ():
            bindings = parent.module.tables[parent.node].bindings if isinstance(parent, ClassAt) else {}
            for binding in bindings.get(node.attr, []):
                if isinstance(parent, ClassAt) and binding.kind == "function":
                    yield Site(unit, node, "property", (FunctionRef(parent.module.functions[binding.node], True),))


def functions_of(ref: Ref, site: Site, code: Code) -> Iterator[Function]:
    """The functions of the code that run where a site leads to this."""
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
