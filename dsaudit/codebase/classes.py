"""Classes of the code: which one an expression names, its bases and its attributes."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from dsaudit.codebase.expressions import Place
from dsaudit.codebase.model import Code, Module, Scope
from dsaudit.codebase.names import External, Found, extend, in_module, lookup, origin
from dsaudit.codebase.nodes import self_name, terminal

ENUMERATIONS = {"Enum", "StrEnum", "IntEnum", "Flag", "IntFlag"}


@dataclass(frozen=True)
class ClassAt:
    """A class of the code with the module that holds it."""

    module: Module = field(compare=False, repr=False)
    node: ast.ClassDef

    @property
    def around(self) -> Scope:
        """The scope in which the class stands."""
        chain = self.module.chains[self.node]
        return Scope(self.module, chain[-2] if len(chain) > 1 else self.module.tree)


def located(code: Code, node: ast.expr, place: Place) -> Module | External | ClassAt | None:
    """What a name or dotted name leads to where that is a module or a class (`self` and `cls`: their class)."""
    if isinstance(node, ast.Name):
        if node.id in place.local:
            return None
        return _named(code, lookup(code, place.scope, node.id))
    if not isinstance(node, ast.Attribute):
        return None
    base = located(code, node.value, place)
    if isinstance(base, Module):
        return _named(code, in_module(code, base, node.attr))
    if isinstance(base, External):
        target = extend(code, base.importer, base.dotted, node.attr)
        return _named(code, target)
    if isinstance(base, ClassAt):
        table = base.module.tables[base.node]
        inner = table.bindings.get(node.attr, [])
        return _named(code, Found(Scope(base.module, base.node), node.attr, tuple(inner), False)) if inner else None
    return None


def _named(code: Code, target: Found | Module | External | None) -> Module | External | ClassAt | None:
    if isinstance(target, Found):
        target = origin(code, target)
    if not isinstance(target, Found):
        return target
    scope, last = target.scope, target.bindings[-1]
    if isinstance(last.node, ast.ClassDef) and last.kind == "class":
        return ClassAt(scope.module, last.node)
    if any(one.kind == "parameter" for one in target.bindings):
        return own_class(scope, target.name)
    return None


def own_class(scope: Scope, name: str) -> ClassAt | None:
    """The class whose instance (or itself) a method's first parameter is; None if `name` is not that parameter."""
    chain = scope.module.chains.get(scope.node, ())
    if self_name(scope.node, scope.module) != name or not isinstance(chain[-2], ast.ClassDef):
        return None
    return ClassAt(scope.module, chain[-2])


def family(code: Code, base: ClassAt) -> tuple[ClassAt | External | None, ...]:
    """A class and its bases, nearest first; External or None for bases that were not read."""
    known = code.memory.get(("family", base.node))
    if not isinstance(known, tuple):
        code.memory["family", base.node] = (base,)  # what a class that is its own base finds
        known = tuple(dict.fromkeys(_family(code, base)))
        code.memory["family", base.node] = known
    return known


def _family(code: Code, base: ClassAt) -> Iterator[ClassAt | External | None]:
    yield base
    for expression in base.node.bases:
        inner = expression.value if isinstance(expression, ast.Subscript) else expression
        parent = located(code, inner, Place(base.around))
        if isinstance(parent, ClassAt):
            yield from family(code, parent)
        else:
            yield parent if isinstance(parent, External) else None


def descendants(code: Code, base: ClassAt) -> list[ClassAt]:
    """The classes of the code that are made from a class."""
    known = code.memory.get("children")
    if not isinstance(known, dict):
        children: dict[ast.AST, list[ClassAt]] = {}
        for module in code.modules.values():
            for node in module.classes:
                at = ClassAt(module, node)  # type: ignore[arg-type]
                for parent in family(code, at)[1:]:
                    if isinstance(parent, ClassAt):
                        children.setdefault(parent.node, []).append(at)
        known = code.memory["children"] = children
    return list(known.get(base.node, []))


def attribute_of(code: Code, base: ClassAt, name: str) -> Found | None:
    """The bindings of a class's attribute, or of an instance's that only methods assign."""
    for parent in family(code, base):
        if not isinstance(parent, ClassAt):
            continue
        outside = parent.module.attributes.get(parent.node, {}).get(name, [])
        inside = parent.module.tables[parent.node].bindings.get(name, [])
        if inside and not all(one.kind == "declare" for one in inside):
            bindings = [*inside, *outside]  # both: the folding refuses what is assigned in two places
            return Found(Scope(parent.module, parent.node), name, tuple(bindings), False)
        if outside:
            return Found(Scope(parent.module, outside[0].scope), name, tuple(outside), False)
    return None


def is_enumeration(base: ClassAt) -> bool:
    """Whether a class is an enumeration, told by the names of its bases."""
    return any(terminal(one) in ENUMERATIONS for one in base.node.bases)


def is_text_enumeration(base: ClassAt) -> bool:
    """Whether an enumeration's members are texts themselves."""
    names = {terminal(one) for one in base.node.bases}
    return "StrEnum" in names or {"str", "Enum"} <= names
