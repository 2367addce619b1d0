"""Follows names, attributes and calls to the functions and classes they lead to."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator, Mapping
from itertools import islice

from dsaudit.codebase.annotations import instances
from dsaudit.codebase.classes import ClassAt, descendants, own_class
from dsaudit.codebase.expressions import Place
from dsaudit.codebase.knowledge import HTTP, QUEUED
from dsaudit.codebase.members import Members
from dsaudit.codebase.mentions import mentions
from dsaudit.codebase.model import Binding, Code, Function, Module, Scope
from dsaudit.codebase.names import External, Found, extend, imported, in_module, lookup, origin
from dsaudit.codebase.nodes import arguments_of, decorators_of, dotted, live, scope_of, terminal
from dsaudit.codebase.refs import (
    ClassRef,
    ExternalRef,
    FunctionRef,
    InstanceRef,
    ModuleRef,
    Ref,
    Refs,
    UnknownRef,
    called,
    literal,
    member_of,
)
from dsaudit.codebase.sequences import Sequences
from dsaudit.codebase.stubs import named_like

DEEPEST = 40  # expressions followed from one to the next
MOST = 40  # things that one expression may lead to
Key = tuple[ast.expr, ast.AST]
Given = Mapping[tuple[Function, str], Refs]


class Resolver(Members):
    """Resolves expressions of one code; `given` says what parameters were called with on the way here.

    `asked` collects the parameters that something depended on and of which `given` says nothing. `plain` is a resolver
    of the same code without `given`: what it knows holds here too where it did not ask for one of those parameters.
    """

    def __init__(self, code: Code, given: Given | None = None, plain: Resolver | None = None) -> None:
        super().__init__(code)
        self.given = given or {}
        self.plain = plain
        self.givens = frozenset(self.given)  # of a set the hashes are kept
        self.asked: set[tuple[Function, str]] = set()
        self.known: dict[Key, tuple[Refs, frozenset[tuple[Function, str]]]] = {}
        self.open: list[Key] = []
        self.partial: list[Key] = []
        self.cut = False

    def refs(self, node: ast.expr, scope: Scope) -> Refs:
        """Everything an expression can lead to, each once; never empty."""
        key = (node, scope.node)
        if key in self.known:
            refs, asked = self.known[key]
            self.asked |= asked
            self.cut = self.cut or key in self.open
            return refs
        if self.plain is not None and not self.plain.open and key in self.plain.known:
            refs, asked = self.plain.known[key]
            if asked.isdisjoint(self.givens):
                self.asked |= asked
                return refs
        unknown = UnknownRef(dotted(node) or terminal(node), "only running tells")
        if len(self.open) > DEEPEST:
            self.cut = True
            return (unknown,)
        self.known[key] = ((unknown,), frozenset())  # what an expression that leads to itself finds
        self.open.append(key)
        before, self.asked, cut, self.cut = self.asked, set(), self.cut, False
        method = getattr(self, f"_{type(node).__name__.lower()}", None)
        found = tuple(dict.fromkeys(islice(method(node, scope), MOST))) if method else (literal(node),)
        self.known[key] = (found or (unknown,), frozenset(self.asked))
        self.asked |= before
        self.close(key, cut)
        return found or (unknown,)

    def close(self, key: Key, cut: bool) -> None:
        """Ends the work on an expression; what was cut short is not kept for other questions."""
        self.open.remove(key)
        if self.cut:
            self.partial.append(key)
        self.cut = self.cut or cut
        if not self.open:
            for other in self.partial:
                if other != key:
                    self.known.pop(other, None)
            self.partial, self.cut = [], False

    def _name(self, node: ast.Name, scope: Scope) -> Iterator[Ref]:
        found = lookup(self.code, scope, node.id)
        if found is None and hasattr(builtins, node.id):
            yield ExternalRef(f"builtins.{node.id}")
        elif found is None:
            yield UnknownRef(node.id, "a name that is not assigned in the code read")
        else:
            yield from self.target(found)

    def target(self, target: Found | Module | External) -> Iterator[Ref]:
        """What a name leads to once its scope is known."""
        if isinstance(target, Found):
            following = origin(self.code, target)
            if following is not target:
                yield from self.target(following)
                return
            for binding in target.bindings:
                yield from self.binding(binding, target)
        elif isinstance(target, Module):
            yield ModuleRef(target)
        else:
            yield ExternalRef(target.dotted.lstrip("."))

    def binding(self, binding: Binding, found: Found) -> Iterator[Ref]:
        """What one binding of a name leads to."""
        module = found.scope.module
        scope = Scope(module, binding.scope)
        if binding.kind == "function":
            yield FunctionRef(module.functions[binding.node])
        elif binding.kind == "class" and isinstance(binding.node, ast.ClassDef):
            yield ClassRef(ClassAt(module, binding.node))
        elif binding.kind == "parameter":
            yield from self.parameter(found.name, binding, scope)
        elif binding.kind == "import":
            yield from self.target(extend(self.code, module, binding.source, binding.attribute))
        elif binding.annotation is not None and (typed := instances(self.code, binding.annotation, scope)):
            yield from typed
        elif binding.kind == "loop" and binding.value is not None:
            yield from self.looped(binding, scope)
        elif binding.kind in {"assign", "with"} and binding.value is not None and not binding.path:
            yield from self.refs(binding.value, scope)  # `with x as y` gives y most often x itself

    def parameter(self, name: str, binding: Binding, scope: Scope) -> Iterator[Ref]:
        """What a parameter holds: the instance, what it was called with on the way, or what its annotation says."""
        own = own_class(scope, name)
        function = scope.module.functions[scope.node]
        if own is not None:
            decorators = {terminal(one) for one in decorators_of(function.node)}
            yield ClassRef(own) if "classmethod" in decorators else InstanceRef(own)
        elif (function, name) in self.given:
            yield from self.given[function, name]
        else:
            self.asked.add((function, name))
            typed = instances(self.code, binding.annotation, scope) if binding.annotation else ()
            made = () if typed or function.name != "__init__" else tuple(self.constructed(name, function))
            yield from typed or made or (UnknownRef(name, "a parameter"),)

    def constructed(self, name: str, function: Function) -> Iterator[Ref]:
        """What the code's own calls of a class give a parameter of its __init__."""
        module, node = self.code_module(function), function.chain[-2]
        if not isinstance(node, ast.ClassDef):
            return
        own = ClassAt(module, node)
        for at in (own, *descendants(self.code, own)):
            for place, mention in mentions(self.code).get(at.node.name, ()):
                call = place.parents.get(mention)
                if not isinstance(call, ast.Call) or call.func is not mention:
                    continue
                scope = scope_of(call, place)
                argument = dict(arguments_of(call, function, True)).get(name)
                if argument is not None and ClassRef(at) in self.refs(mention, scope):
                    yield from (ref for ref in self.refs(argument, scope) if not isinstance(ref, UnknownRef))

    def looped(self, binding: Binding, scope: Scope) -> Iterator[Ref]:
        """What a loop variable can hold where the loop runs over a display or the values of a known mapping."""
        over = binding.value
        if isinstance(over, ast.List | ast.Tuple) and not binding.path:
            for element in over.elts:
                yield from self.refs(element, scope)
        elif isinstance(over, ast.Call) and isinstance(over.func, ast.Attribute):
            whole = over.func.attr == "values" and not binding.path
            if whole or (over.func.attr == "items" and binding.path == (1,)):
                yield from self.mapped(over.func.value, scope)

    def mapped(self, node: ast.expr, scope: Scope) -> Iterator[Ref]:
        """What the values of a mapping written in the code lead to."""
        for entry in Sequences(self.code).entries(node, Place(scope)):
            if entry.value is not None:
                yield from self.refs(entry.value, entry.scope)

    def _attribute(self, node: ast.Attribute, scope: Scope) -> Iterator[Ref]:
        for base in self.refs(node.value, scope):
            yield from self.member(base, node.attr)

    def member(self, base: Ref, name: str) -> Iterator[Ref]:
        """An attribute of what an expression leads to."""
        if isinstance(base, ModuleRef):
            found = in_module(self.code, base.module, name)
            inner = imported(self.code, base.module, f"{base.module.name}.{name}")
            if found is not None or inner is not None:
                yield from self.target(found or inner)  # type: ignore[arg-type]
                return
        elif isinstance(base, InstanceRef | ClassRef):
            yield from self.of_class(base, name)
            return
        elif isinstance(base, FunctionRef) and name in QUEUED:
            yield base
            return
        elif isinstance(base, ExternalRef) and "(" not in base.dotted:
            module = self.code.modules.get(f"{base.dotted}.{name}")  # a folder without __init__.py
            if module is not None:
                yield ModuleRef(module)
                return
        yield member_of(base, name)

    def _call(self, node: ast.Call, scope: Scope) -> Iterator[Ref]:
        function = node.func
        if isinstance(function, ast.Attribute) and function.attr in {"get", "pop"} and node.args:
            mapped = [ref for ref in self.mapped(function.value, scope) if not isinstance(ref, UnknownRef)]
            if mapped:
                yield from mapped
                return
        for ref in self.refs(function, scope):
            yield from self.result(ref, node, scope)

    def result(self, ref: Ref, node: ast.Call, scope: Scope) -> Iterator[Ref]:
        """What calling something gives."""
        if isinstance(ref, ClassRef):
            yield InstanceRef(ref.at)
        elif isinstance(ref, FunctionRef):
            yield from self.returned(ref.function)
        elif isinstance(ref, InstanceRef):
            for method in self.of_class(ref, "__call__"):
                yield from self.returned(method.function) if isinstance(method, FunctionRef) else (called(method),)
        elif isinstance(ref, ExternalRef) and ref.dotted == "functools.partial" and node.args:
            yield from self.refs(node.args[0], scope)
        elif isinstance(ref, ExternalRef) and ref.dotted == "builtins.super":
            yield from self.parents(scope)
        elif isinstance(ref, ExternalRef) and ref.dotted == "builtins.getattr" and len(node.args) > 1:
            yield from self.dynamic(node, scope)
        else:
            yield called(ref)

    def returned(self, function: Function) -> Iterator[Ref]:
        """What a function gives back: by its annotation, else by its return statements."""
        scope = Scope(self.code_module(function), function.node)
        node = function.node
        if isinstance(node, ast.Lambda):
            yield from self.refs(node.body, scope)
            return
        typed = instances(self.code, node.returns, scope) if node.returns else ()
        if typed:
            yield from typed
            return
        for inner in live(node):
            value = inner.value if isinstance(inner, ast.Return | ast.Yield) else None
            if value is not None:
                yield from self.refs(value, scope)

    def code_module(self, function: Function) -> Module:
        """The module that holds a function."""
        module = self.code.modules.get(function.module)
        if module is None or module.file != function.file:
            module = next(one for one in self.code.modules.values() if one.file == function.file)
        return module

    def dynamic(self, node: ast.Call, scope: Scope) -> Iterator[Ref]:
        """`getattr(x, name)`: the attribute, or all methods whose name has the known parts of an f-string."""
        for base in self.refs(node.args[0], scope):
            if isinstance(base, ExternalRef) and base.package in HTTP:
                yield ExternalRef(f"{base.dotted}.request")  # `getattr(client, method)`: whichever, it asks
                continue
            names = named_like(self.code, node.args[1], scope, base.at) if isinstance(base, InstanceRef) else None
            if not isinstance(base, InstanceRef) or not names:
                yield UnknownRef("getattr()", "a name that only running tells")
                continue
            for name in names:
                yield from self.of_class(base, name)

    def _await(self, node: ast.Await, scope: Scope) -> Iterator[Ref]:
        yield from self.refs(node.value, scope)

    def _lambda(self, node: ast.Lambda, scope: Scope) -> Iterator[Ref]:
        yield FunctionRef(scope.module.functions[node])

    def _ifexp(self, node: ast.IfExp, scope: Scope) -> Iterator[Ref]:
        yield from self.refs(node.body, scope)
        yield from self.refs(node.orelse, scope)

    def _boolop(self, node: ast.BoolOp, scope: Scope) -> Iterator[Ref]:
        for value in node.values:
            yield from self.refs(value, scope)

    def _namedexpr(self, node: ast.NamedExpr, scope: Scope) -> Iterator[Ref]:
        yield from self.refs(node.value, scope)

    def _subscript(self, node: ast.Subscript, scope: Scope) -> Iterator[Ref]:
        known = [ref for ref in self.mapped(node.value, scope) if not isinstance(ref, UnknownRef)]
        yield from known or (member_of(ref, "[]") for ref in self.refs(node.value, scope))
