"""Takes lists and mappings apart element by element: one that cannot be folded does not hide the rest."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass

from dsaudit.codebase.classes import ClassAt, attribute_of, is_enumeration, located
from dsaudit.codebase.expressions import Place
from dsaudit.codebase.model import Binding, Code, Module, Scope, Unresolved
from dsaudit.codebase.names import External, Found, changed_elsewhere, changed_later, extend, in_module, lookup, origin
from dsaudit.codebase.nodes import dotted, terminal
from dsaudit.codebase.values import Folder

COPIES = {"dict", "OrderedDict", "MappingProxyType"}
DEEPEST = 30
MOST = 2_000  # collections taken apart for one question


@dataclass(frozen=True)
class Element:
    """One element of a list, where it is written; a value of Unresolved where it is not folded."""

    value: object
    file: str
    line: int
    last_line: int


@dataclass(frozen=True)
class Entry:
    """One entry of a mapping: its key as an element, and the expression and place of its value."""

    key: Element
    value: ast.expr | None
    scope: Scope


class Sequences:
    """Finds the elements of an expression, through names, imports, `+`, unpacking and what is appended later."""

    def __init__(self, code: Code, given: Mapping[str, object] | None = None) -> None:
        self.code, self.folder, self.depth, self.left = code, Folder(code, given), 0, MOST
        self.active: set[tuple[ast.AST, str]] = set()

    def elements(self, node: ast.expr, place: Place) -> list[Element]:
        """The elements of a list, tuple, set or the keys of a mapping; never empty for what is not folded."""
        self.left -= 1
        if self.depth > DEEPEST or self.left < 0:
            return [self.unresolved(node, place, "defined by itself, or larger than what is taken apart")]
        self.depth += 1
        try:
            return self._elements(node, place)
        except RecursionError:
            return [self.unresolved(node, place, "nested too deeply")]
        finally:
            self.depth -= 1

    def _elements(self, node: ast.expr, place: Place) -> list[Element]:
        if isinstance(node, ast.List | ast.Tuple | ast.Set):
            return self.display(node.elts, place)
        if isinstance(node, ast.Dict):
            return [entry.key for entry in self.entries(node, place)]
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.BitOr):
            return [*self.elements(node.left, place), *self.elements(node.right, place)]
        if isinstance(node, ast.Call):
            if terminal(node) == "chain":
                return [element for part in node.args for element in self.elements(part, place)]
            inner = self.wrapped(node, place)
            return self.elements(inner, place) if inner is not None else self.folded(node, place)
        found = self.found(node, place)
        if found is not None:
            return self.bound(found, node, place)
        return self.folded(node, place)

    def display(self, nodes: list[ast.expr], place: Place) -> list[Element]:
        """The elements written one by one."""
        result = []
        for node in nodes:
            if isinstance(node, ast.Starred):
                result.extend(self.elements(node.value, place))
            else:
                result.append(self.element(node, place))
        return result

    def element(self, node: ast.expr, place: Place) -> Element:
        """One element, folded."""
        value = self.folder.attempt(node, place)
        return Element(value, place.scope.module.file, node.lineno, node.end_lineno or node.lineno)

    def folded(self, node: ast.expr, place: Place) -> list[Element]:
        """The elements of an expression that only its value tells, all in the expression's line."""
        file, last = place.scope.module.file, node.end_lineno or node.lineno
        result = self.folder.guarded(lambda: self.folder.iterable(node, place), file, node.lineno)
        values = result if isinstance(result, list) else [result]
        return [Element(value, file, node.lineno, last) for value in values]

    def unresolved(self, node: ast.AST, place: Place, why: str) -> Element:
        """An element that stands for what could not be told."""
        file, line = place.scope.module.file, int(getattr(node, "lineno", 1))
        return Element(Unresolved(file, line, why), file, line, line)

    def wrapped(self, node: ast.Call, place: Place) -> ast.expr | None:
        """What `list(x)`, `x.keys()`, `dict.fromkeys(x)`, `field(default=x)` and the like take their elements from."""
        if isinstance(node.func, ast.Attribute) and node.func.attr in {"keys", "copy"} and not node.args:
            return node.func.value
        if dotted(node.func) == "dict.fromkeys" and node.args:
            return node.args[0]
        if terminal(node) in {"field", "Field"}:
            given = {one.arg: one.value for one in node.keywords}
            factory = given.get("default_factory")
            return factory.body if isinstance(factory, ast.Lambda) else given.get("default")
        if not isinstance(node.func, ast.Name) or len(node.args) != 1 or node.keywords:
            return None
        own = node.func.id in {"list", "tuple", "set", "frozenset", "sorted"}
        return node.args[0] if own and lookup(self.code, place.scope, node.func.id) is None else None

    def found(self, node: ast.expr, place: Place) -> Found | None:
        """The bindings behind a name or an attribute of a module or class, through imports."""
        target: Found | Module | External | None = None
        if isinstance(node, ast.Name) and node.id not in place.local and node.id not in self.folder.given:
            target = lookup(self.code, place.scope, node.id)
        elif isinstance(node, ast.Attribute):
            base = located(self.code, node.value, place)
            if isinstance(base, Module):
                target = in_module(self.code, base, node.attr)
            elif isinstance(base, External):
                target = extend(self.code, base.importer, base.dotted, node.attr)
            elif isinstance(base, ClassAt) and not is_enumeration(base):
                target = attribute_of(self.code, base, node.attr)
        if isinstance(target, Found):
            target = origin(self.code, target)
        if not isinstance(target, Found) or any(one.kind == "class" for one in target.bindings):
            return None
        return target

    def bound(self, found: Found, node: ast.expr, place: Place) -> list[Element]:
        """The elements that a scope's bindings give a name, one after the other."""
        same = found.immediate and found.scope.module is place.scope.module
        position = (node.lineno, node.col_offset)
        visible = [one for one in found.bindings if not same or one.position <= position]
        result: list[Element] = []
        for binding in visible:
            following = self.event(result, binding, Place(found.scope))
            result = [*result, *following] if self.narrowed(following, binding, found.name) else following
        blocks = {(one.scope, one.block) for one in visible if one.kind != "declare"}
        reason = changed_elsewhere(self.code, found) or changed_later(found, visible)
        if len(blocks) > 1:
            reason = reason or f"assigned in more than one branch, also in line {visible[-1].line}"
        if reason or not visible:
            result.append(self.unresolved(node, place, reason or "used before it is assigned"))
        return result

    def narrowed(self, following: list[Element], binding: Binding, name: str) -> bool:
        """Whether a list was made from itself in a way that is not folded: what it held before is kept."""
        unknown = any(isinstance(element.value, Unresolved) for element in following)
        if not unknown or binding.kind != "assign" or binding.value is None:
            return False
        return any(isinstance(inner, ast.Name) and inner.id == name for inner in ast.walk(binding.value))

    def event(self, known: list[Element], binding: Binding, place: Place) -> list[Element]:
        """The elements after one more binding of the name."""
        value = binding.value
        if binding.kind == "declare":
            return known
        if value is not None and binding.kind == "assign":
            return self.elements(value, place)
        if binding.kind == "import" and (target := self.imported(binding, place)) is not None:
            return self.bound(target, ast.copy_location(ast.Name(target.name), binding.node), place)
        if value is not None and binding.kind in {"augment", "extend"}:
            return [*known, *self.elements(value, place)]
        if value is not None and binding.kind == "append":
            return [*known, self.element(value, place)]
        if binding.kind == "setitem" and binding.key is not None:
            return [*known, self.element(binding.key, place)]
        return [*known, self.unresolved(binding.node, place, f"{binding.kind}, which only running tells")]

    def entries(self, node: ast.expr, place: Place) -> list[Entry]:
        """The entries of a mapping; an entry whose key is Unresolved stands for what could not be told."""
        self.left -= 1
        if self.depth > DEEPEST or self.left < 0:
            return [Entry(self.unresolved(node, place, "defined by itself"), None, place.scope)]
        self.depth += 1
        try:
            return self._entries(node, place)
        finally:
            self.depth -= 1

    def _entries(self, node: ast.expr, place: Place) -> list[Entry]:
        if isinstance(node, ast.Dict):
            return self.pairs(node, place)
        if isinstance(node, ast.DictComp):
            return self.comprehended(node, place)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
            return [*self.entries(node.left, place), *self.entries(node.right, place)]
        if isinstance(node, ast.Call) and len(node.args) == 1 and terminal(node) in COPIES:
            return self.entries(node.args[0], place)
        if isinstance(node, ast.Call) and dotted(node.func) == "dict.fromkeys" and node.args:
            value = node.args[1] if len(node.args) > 1 else None
            return [Entry(key, value, place.scope) for key in self.elements(node.args[0], place)]
        found = self.found(node, place)
        if found is None:
            return [Entry(self.unresolved(node, place, "a mapping that only running tells"), None, place.scope)]
        name = (found.scope.node, found.name)
        if name in self.active:
            return [Entry(self.unresolved(node, place, "defined by itself"), None, place.scope)]
        self.active.add(name)
        entries = [one for binding in found.bindings for one in self.assigned(binding, self.home(binding, found))]
        self.active.discard(name)
        return entries

    def home(self, binding: Binding, found: Found) -> Place:
        """Where the value of a binding stands."""
        return Place(Scope(found.scope.module, binding.scope))

    def imported(self, binding: Binding, place: Place) -> Found | None:
        """What an import brings, where that is a name of the code."""
        target = extend(self.code, place.scope.module, binding.source, binding.attribute)
        target = origin(self.code, target) if isinstance(target, Found) else target
        return target if isinstance(target, Found) else None

    def assigned(self, binding: Binding, place: Place) -> list[Entry]:
        """The entries that one binding of a mapping's name adds."""
        if binding.kind == "setitem" and binding.key is not None:
            return [Entry(self.element(binding.key, place), binding.value, place.scope)]
        if binding.kind in {"assign", "augment"} and binding.value is not None:
            return self.entries(binding.value, place)
        if binding.kind == "import" and (target := self.imported(binding, place)) is not None:
            return [entry for one in target.bindings for entry in self.assigned(one, self.home(one, target))]
        call = place.scope.module.parents.get(binding.node)
        if isinstance(call, ast.Call) and getattr(binding.node, "attr", "") == "update" and len(call.args) == 1:
            return self.entries(call.args[0], place)
        if binding.kind == "declare":
            return []
        return [Entry(self.unresolved(binding.node, place, "a mapping that only running tells"), None, place.scope)]

    def pairs(self, node: ast.Dict, place: Place) -> list[Entry]:
        """The entries of a mapping written out."""
        result = []
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                result.extend(self.entries(value, place))
            else:
                result.append(Entry(self.element(key, place), value, place.scope))
        return result

    def comprehended(self, node: ast.DictComp, place: Place) -> list[Entry]:
        """The entries of a mapping built by a comprehension."""
        file, last = place.scope.module.file, node.end_lineno or node.lineno

        def keys() -> list[object]:
            rounds = self.folder.rounds(node.generators, place)
            return [self.folder.value(node.key, inner) for inner in rounds]

        result = self.folder.guarded(keys, file, node.lineno)
        values = result if isinstance(result, list) else [result]
        return [Entry(Element(key, file, node.lineno, last), node.value, place.scope) for key in values]
