"""Indexes a parsed module: its functions, its classes and the names that each scope binds."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import replace
from itertools import count

from dsaudit.codebase.model import IN_PLACE, Binding, Class, Function, Module, ScopeNode, Table
from dsaudit.codebase.nodes import (
    DEFINITIONS,
    SHARED,
    by_reference,
    dotted,
    held,
    own_expressions,
    parameters,
    self_name,
)

ORDERLY = {"append", "extend"}  # mutations whose effect can be followed
MUTATORS = ORDERLY | {
    *("add", "clear", "discard", "difference_update", "insert", "intersection_update", "pop", "popitem", "remove"),
    *("reverse", "setdefault", "sort", "symmetric_difference_update", "update"),
}
KEEPING = {"assign", "unpack", "append", "setitem"}  # bindings that may hold on to the object they are given


def index(module: Module) -> None:
    """Fills the tables of a freshly parsed module."""
    definitions = _parents(module)
    module.chains[module.tree] = ()
    for node in definitions:
        module.chains[node] = _chain(module, node)
        _register(module, node)
    for scope in list(module.chains):
        _Names(module, scope).collect()  # type: ignore[arg-type]
    _lift(module)


def _parents(module: Module) -> list[ScopeNode]:
    """Notes the node around each node, and gives back the functions and classes from the outside inwards."""
    definitions: list[ScopeNode] = []
    level: list[ast.AST] = [module.tree]
    while level:
        following: list[ast.AST] = []
        for node in level:
            for child in ast.iter_child_nodes(node):
                if isinstance(child, SHARED):
                    continue
                module.parents[child] = node
                following.append(child)
                if isinstance(child, DEFINITIONS):
                    definitions.append(child)
        level = following
    return definitions


def _chain(module: Module, node: ScopeNode) -> tuple[ScopeNode, ...]:
    inner: ast.AST | None = node
    chain: list[ScopeNode] = []
    while inner is not None:
        if isinstance(inner, DEFINITIONS):
            chain.insert(0, inner)
        previous, inner = inner, module.parents.get(inner)
        if inner is not None and _outside(previous, inner):
            inner = module.parents.get(inner)  # decorators, defaults and bases belong to the scope around
    return tuple(chain)


def _outside(child: ast.AST, parent: ast.AST) -> bool:
    if isinstance(parent, ast.Lambda):
        return child is parent.args
    return isinstance(parent, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and child not in parent.body


def _register(module: Module, node: ast.AST) -> None:
    chain = module.chains[node]
    names = [getattr(inner, "name", "<lambda>") for inner in chain]
    line = int(getattr(node, "lineno", 1))
    qualified = ".".join(names)
    if isinstance(node, ast.ClassDef):
        module.classes[node] = Class(node.name, qualified, module.name, module.file, line, node)
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        direct = len(chain) > 1 and isinstance(chain[-2], ast.ClassDef)
        owner = ".".join(names[:-1]) if direct else None
        module.functions[node] = Function(names[-1], qualified, module.name, module.file, line, owner, node, chain)


def _lift(module: Module) -> None:
    """Notes what functions do to names of the scopes around them."""
    for scope, table in module.tables.items():
        for name, bindings in list(table.bindings.items()):
            if name in table.globals | table.nonlocals:
                module.mutated.extend((name, binding.line) for binding in bindings)
                del table.bindings[name]
            elif all(binding.kind in IN_PLACE for binding in bindings):
                if scope is not module.tree:
                    module.mutated.extend((name, binding.line) for binding in bindings)
                    del table.bindings[name]
            elif any(binding.kind in IN_PLACE for binding in bindings):
                inside = any(binding.kind == "mutate" for binding in bindings)
                others = table.linked(name, inside) - set(table.bindings)
                module.mutated.extend((other, bindings[-1].line) for other in others)


class _Names:
    """Collects what one scope binds, without what the scopes inside it bind."""

    def __init__(self, module: Module, scope: ScopeNode) -> None:
        self.module, self.scope = module, scope
        self.table = module.tables.setdefault(scope, Table())
        self.blocks = count()
        self.receiver = self_name(scope, module)
        chain = module.chains[scope]
        self.owner = chain[-2] if self.receiver else None

    def collect(self) -> None:
        if isinstance(self.scope, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            for parameter in parameters(self.scope):
                binding = self.make("parameter", parameter, -1)
                self.add(parameter.arg, replace(binding, annotation=parameter.annotation))
        if isinstance(self.scope, ast.Lambda):
            self.expressions(self.scope.body)
        else:
            self.walk(self.scope.body, next(self.blocks))

    def add(self, name: str, binding: Binding) -> None:
        self.table.bindings.setdefault(name, []).append(binding)
        if binding.kind in KEEPING:
            for links, others in ((self.table.shared, by_reference), (self.table.held, held)):
                for other in others(binding.value):
                    links.setdefault(name, set()).add(other)
                    links.setdefault(other, set()).add(name)

    def make(self, kind: str, node: ast.AST, block: int | None, value: ast.expr | None = None) -> Binding:
        return Binding(kind, node, next(self.blocks) if block is None else block, self.scope, value)

    def walk(self, statements: Iterable[ast.stmt], block: int) -> None:
        for statement in statements:
            self.statement(statement, block)

    def statement(self, node: ast.stmt, block: int) -> None:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                self.target(target, self.make("assign", node, block, node.value))
        elif isinstance(node, ast.AnnAssign):
            binding = self.make("assign" if node.value else "declare", node, block, node.value)
            self.target(node.target, replace(binding, annotation=node.annotation))
        elif isinstance(node, ast.AugAssign):
            followed = isinstance(node.target, ast.Name) and isinstance(node.op, ast.Add | ast.BitOr)
            self.target(node.target, self.make("augment" if followed else "mutate", node, block, node.value))
        elif isinstance(node, ast.Expr) and self.orderly(node.value, block):
            return
        elif isinstance(node, ast.Import | ast.ImportFrom):
            self.imported(node, block)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            kind = "class" if isinstance(node, ast.ClassDef) else "function"
            self.add(node.name, self.make(kind, node, block))
        elif isinstance(node, ast.Global | ast.Nonlocal):
            (self.table.globals if isinstance(node, ast.Global) else self.table.nonlocals).update(node.names)
        elif isinstance(node, ast.Delete):
            for target in node.targets:
                self.target(target, self.make("mutate", node, block))
        else:
            self.compound(node, block)
        self.expressions(node)

    def compound(self, node: ast.stmt, block: int) -> None:
        if isinstance(node, ast.With | ast.AsyncWith):
            for item in node.items:
                if item.optional_vars is not None:
                    self.target(item.optional_vars, self.make("with", node, block, item.context_expr))
            return self.walk(node.body, block)
        if isinstance(node, ast.For | ast.AsyncFor):
            self.target(node.target, self.make("loop", node, None, node.iter))
        elif isinstance(node, ast.Try | ast.TryStar):
            for handler in node.handlers:
                caught = self.make("other", handler, None)
                if handler.name:
                    self.add(handler.name, replace(caught, annotation=handler.type))
                self.walk(handler.body, caught.block)
        elif isinstance(node, ast.Match):
            for case in node.cases:
                self.captures(case.pattern)
                self.walk(case.body, next(self.blocks))
        for part in ("body", "orelse", "finalbody"):
            self.walk(getattr(node, part, ()), next(self.blocks))
        return None

    def captures(self, pattern: ast.pattern) -> None:
        for node in ast.walk(pattern):
            name = node.rest if isinstance(node, ast.MatchMapping) else getattr(node, "name", None)
            if name:
                self.add(name, self.make("other", node, None))

    def target(self, target: ast.expr, binding: Binding) -> None:
        if isinstance(target, ast.Name):
            self.add(target.id, binding)
        elif isinstance(target, ast.Tuple | ast.List):
            self.unpacked(target, binding)
        elif isinstance(target, ast.Starred):
            self.target(target.value, self.make("other", binding.node, binding.block))
        elif isinstance(target, ast.Attribute):
            self.attribute(target, binding)
        elif isinstance(target, ast.Subscript):
            self.item(target, binding)

    def unpacked(self, target: ast.Tuple | ast.List, binding: Binding) -> None:
        size, value = len(target.elts), binding.value
        parts = value.elts if isinstance(value, ast.Tuple | ast.List) and binding.kind == "assign" else []
        if len(parts) == size and not any(isinstance(part, ast.Starred) for part in [*parts, *target.elts]):
            for element, part in zip(target.elts, parts, strict=True):
                self.target(element, replace(binding, value=part))
            return
        star = next((at for at, element in enumerate(target.elts) if isinstance(element, ast.Starred)), size)
        kind = "unpack" if binding.kind == "assign" else binding.kind
        for at, element in enumerate(target.elts):
            path = (*binding.path, at if at <= star else at - size)
            self.target(element, replace(binding, kind=kind, path=path))

    def attribute(self, target: ast.Attribute, binding: Binding) -> None:
        path = dotted(target)
        if self.owner is not None and path == f"{self.receiver}.{target.attr}":
            self.module.attributes.setdefault(self.owner, {}).setdefault(target.attr, []).append(binding)
        elif path is not None:
            self.module.mutated.append((path, binding.line))

    def item(self, target: ast.Subscript, binding: Binding) -> None:
        path = dotted(target.value)
        if isinstance(target.value, ast.Name):
            kind = "setitem" if binding.kind == "assign" else "mutate"
            self.add(target.value.id, replace(binding, kind=kind, key=target.slice))
        elif path:
            self.module.mutated.append((path, target.lineno))
        else:
            self.inner_change(target.value, target)

    def inner_change(self, value: ast.expr, node: ast.AST) -> None:
        """Something inside a named collection is changed, as in `names["a"].append(1)`."""
        while isinstance(value, ast.Subscript | ast.Attribute | ast.Call):
            value = value.func if isinstance(value, ast.Call) else value.value
        for name in by_reference(value):
            self.add(name, self.make("mutate", node, None))

    def orderly(self, node: ast.expr, block: int) -> bool:
        """`name.append(x)` and `name.extend(x)` as a statement: changes that can be followed."""
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and len(node.args) == 1):
            return False
        if not isinstance(node.func.value, ast.Name) or node.func.attr not in ORDERLY or node.keywords:
            return False
        self.add(node.func.value.id, self.make(node.func.attr, node, block, node.args[0]))
        self.expressions(node.args[0])
        return True

    def imported(self, node: ast.Import | ast.ImportFrom, block: int) -> None:
        binding = self.make("import", node, block)
        for alias in node.names:
            if isinstance(node, ast.Import):
                source = alias.name if alias.asname else alias.name.split(".")[0]
                self.add(alias.asname or source, replace(binding, source=source))
                continue
            source = "." * node.level + (node.module or "")
            if alias.name == "*":
                self.table.stars.append(source)
            else:
                self.add(alias.asname or alias.name, replace(binding, source=source, attribute=alias.name))

    def expressions(self, node: ast.AST) -> None:
        """Assignments and changes hidden in expressions: `:=`, and mutating calls whose result is used."""
        for inner in own_expressions(node):
            if isinstance(inner, ast.NamedExpr):
                self.add(inner.target.id, self.make("assign", inner, None, inner.value))
            elif isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute) and inner.func.attr in MUTATORS:
                self.changed(inner.func)

    def changed(self, function: ast.Attribute) -> None:
        path = dotted(function.value)
        if isinstance(function.value, ast.Name):
            self.add(function.value.id, self.make("mutate", function, None))
        elif path:
            self.module.mutated.append((path, function.lineno))
        else:
            self.inner_change(function.value, function)
