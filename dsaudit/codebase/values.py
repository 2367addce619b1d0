"""Folds simple expressions to their values without running anything; whatever else there is becomes Unresolved."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any

from dsaudit.codebase.classes import ClassAt, attribute_of, is_enumeration, is_text_enumeration, located
from dsaudit.codebase.expressions import Expressions, Item, Member, Place
from dsaudit.codebase.model import Binding, Code, Module, Scope
from dsaudit.codebase.names import External, Found, changed_elsewhere, changed_later, extend, in_module, lookup, origin

BUILDERS: dict[str, Callable[..., Any]] = {
    **{"list": list, "tuple": tuple, "set": set, "frozenset": frozenset, "sorted": sorted, "dict": dict}
}
TEXT_METHODS = {
    *("split", "rsplit", "partition", "rpartition", "splitlines", "join", "lower", "upper", "strip", "lstrip"),
    *("rstrip", "removeprefix", "removesuffix", "replace", "startswith", "endswith", "title", "capitalize"),
}
VIEWS = {"keys", "values", "items", "get", "copy"}
LONGEST = 1_000_000
REASONS = {
    "parameter": "a parameter of the function",
    "loop": "a loop variable",
    "with": "given by a with statement",
    "function": "a function",
    "class": "a class",
    "import": "imported in one case only",
    "mutate": "changed in a way that is not followed",
    "other": "not a plain assignment",
}


def fold(code: Code, node: ast.expr, scope: Scope, given: Mapping[str, object] | None = None) -> object:
    """The value of an expression, or Unresolved. `given` replaces expressions, by their source text, with values."""
    return Folder(code, given).attempt(node, Place(scope))


def value(code: Code, module: str, name: str) -> object:
    """The value of a name at the top of a module, or Unresolved. Raises KeyError for an unknown module."""
    home = code.modules[module]
    node = ast.Name(name, ast.Load(), lineno=1, col_offset=0)
    return Folder(code).attempt_name(in_module(code, home, name), node, Place(Scope(home, home.tree)))


class Folder(Expressions):
    """Folds names, attributes and the few calls that cannot do anything but build a value."""

    def attempt_name(self, found: Found | External | None, node: ast.expr, place: Place) -> object:
        """The value of a name that has been looked up already, or Unresolved."""
        return self.guarded(lambda: self.found(found, node, place), place.scope.module.file, node.lineno)

    def _name(self, node: ast.Name, place: Place) -> object:
        if node.id in place.local:
            if isinstance(place.local[node.id], Item):
                raise self.stop(node, place, "a member of an enumeration")
            return place.local[node.id]
        return self.found(lookup(self.code, place.scope, node.id), node, place)

    def found(self, found: Found | Module | External | None, node: ast.expr, place: Place) -> object:
        """The value of what a name leads to, through imports."""
        if isinstance(found, Found):
            target = origin(self.code, found)
            if target is found:
                return self.bound(found, node, place)
            return self.found(target, node, place)
        if isinstance(found, Module):
            raise self.stop(node, place, "a module")
        if isinstance(found, External):
            raise self.stop(node, place, f"{found.dotted} is not part of the code read")
        raise self.stop(node, place, "this name is not assigned in the code read")

    def bound(self, found: Found, node: ast.expr, place: Place) -> object:
        """The value that a scope's bindings give a name, up to the use where scope and use run together."""
        position = (node.lineno, node.col_offset)
        visible = [one for one in found.bindings if not found.immediate or one.position <= position]
        visible = [one for one in visible if one.kind != "declare"]
        self.followable(found, visible, node, place)
        key = (found.scope.module.file, id(found.scope.node), found.name, len(visible))
        if key in self.active:
            raise self.stop(node, place, "defined by itself")
        self.active.add(key)
        try:
            result: Any = None
            for binding in visible:
                result = self.event(result, binding, Place(found.scope))
            self.steady(found, visible, result, node, place)
            return result
        finally:
            self.active.discard(key)

    def followable(self, found: Found, visible: list[Binding], node: ast.expr, place: Place) -> None:
        """Raises Stop unless a name is only assigned and added to, in one list of statements."""
        strange = next((one for one in found.bindings if one.kind in REASONS), None)
        if strange is not None:
            where = f" in line {strange.line}" if strange.kind == "mutate" else ""
            raise self.stop(node, place, f"{REASONS[strange.kind]}{where}")
        if not visible or visible[0].kind not in {"assign", "unpack"}:
            raise self.stop(node, place, "used before it is assigned")
        if len({(one.scope, one.block) for one in found.bindings if one.kind != "declare"}) > 1:
            raise self.stop(node, place, f"assigned in more than one branch, also in line {found.bindings[-1].line}")

    def event(self, result: Any, binding: Binding, place: Place) -> Any:
        """What a name holds after one more of its bindings."""
        if binding.value is None:
            raise self.stop(binding.node, place, "not a plain assignment")
        given = self.value(binding.value, place)
        if binding.kind in {"assign", "unpack"}:
            for step in binding.path:
                given = list(given)[step]
            return given
        if binding.kind == "append":
            return [*result, given]
        if binding.kind == "setitem" and binding.key is not None:
            if not isinstance(result, dict):
                raise self.stop(binding.node, place, "an element is replaced")
            return {**result, self.value(binding.key, place): given}
        if isinstance(result, list):
            if not isinstance(given, list | tuple):
                raise self.stop(binding.node, place, "extended by something that is not a list")
            return [*result, *given]
        if type(result) is not type(given) or binding.kind == "extend":
            raise self.stop(binding.node, place, "added to in a way that is not folded")
        return result | given if isinstance(result, dict | set | frozenset) else result + given

    def steady(self, found: Found, visible: list[Binding], result: object, node: ast.expr, place: Place) -> None:
        """Raises Stop where a function, another module or another name of the same object changes the value."""
        reason = changed_elsewhere(self.code, found)
        if reason is None and isinstance(result, list | dict | set):
            reason = changed_later(found, visible)
        if reason:
            raise self.stop(node, place, reason)

    def _attribute(self, node: ast.Attribute, place: Place) -> object:
        if node.attr == "value":
            inner = self.member(node.value, place)
            if inner is not None:
                return inner.value if isinstance(inner, Item) else str(inner)
        base = located(self.code, node.value, place)
        if isinstance(base, Module):
            return self.found(in_module(self.code, base, node.attr), node, place)
        if isinstance(base, External):
            return self.found(extend(self.code, base.importer, base.dotted, node.attr), node, place)
        if base is None:
            raise self.stop(node, place, f"attribute {node.attr} of something only running tells")
        return self.of_class(base, node, place)

    def of_class(self, base: ClassAt, node: ast.Attribute, place: Place) -> object:
        """The value of a class's attribute, or of an instance's that is assigned once."""
        found = attribute_of(self.code, base, node.attr)
        if found is None:
            raise self.stop(node, place, f"class {base.node.name} assigns no {node.attr} that is followed")
        result = self.bound(found, node, place)
        if not is_enumeration(base):
            return result
        if not isinstance(result, str) or not is_text_enumeration(base):
            raise self.stop(node, place, "a member of an enumeration")
        return Member(result)

    def member(self, node: ast.expr, place: Place) -> Item | Member | None:
        """The member of an enumeration that an expression names, if it names one."""
        if isinstance(node, ast.Name):
            local = place.local.get(node.id)
            return local if isinstance(local, Item | Member) else None
        base = located(self.code, node.value, place) if isinstance(node, ast.Attribute) else None
        if not isinstance(node, ast.Attribute) or not isinstance(base, ClassAt) or not is_enumeration(base):
            return None
        found = attribute_of(self.code, base, node.attr)
        return Item(self.bound(found, node, place)) if found else None

    def iterable(self, node: ast.expr, place: Place) -> list[Any]:
        """As in Expressions; an enumeration gives its members."""
        base = located(self.code, node, place) if isinstance(node, ast.Name | ast.Attribute) else None
        if not isinstance(base, ClassAt) or not is_enumeration(base):
            return super().iterable(node, place)
        members: list[object] = []
        for name in base.module.tables[base.node].bindings:
            found = attribute_of(self.code, base, name)
            if name.startswith("_") or found is None or found.bindings[0].kind == "function":
                continue
            inner = self.bound(found, node, place)
            if inner not in members:
                members.append(inner)
        return [Member(one) if is_text_enumeration(base) and isinstance(one, str) else Item(one) for one in members]

    def _call(self, node: ast.Call, place: Place) -> object:
        if isinstance(node.func, ast.Attribute):
            return self.method(node, node.func, place)
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name not in BUILDERS or node.keywords or len(node.args) > 1 or name in place.local:
            raise self.stop(node, place, "a call, which only running tells")
        if lookup(self.code, place.scope, name) is not None:
            raise self.stop(node, place, f"{name} is not Python's own here")
        if name == "dict" and node.args:
            return dict(self.value(node.args[0], place))
        return BUILDERS[name](*([self.iterable(argument, place) for argument in node.args]))

    def method(self, node: ast.Call, function: ast.Attribute, place: Place) -> object:
        """A text's or a collection's own method that changes nothing."""
        if function.attr not in TEXT_METHODS | VIEWS:
            raise self.stop(node, place, "a call, which only running tells")
        base = self.value(function.value, place)
        arguments = self.several(node.args, place)
        named = {part.arg: self.value(part.value, place) for part in node.keywords if part.arg}
        if len(named) < len(node.keywords):
            raise self.stop(node, place, "a call, which only running tells")
        if isinstance(base, str) and function.attr in TEXT_METHODS:
            lengths = [len(part) for part in arguments if isinstance(part, str | list | tuple)]
            if (len(base) + 1) * (max(lengths, default=0) + 1) > LONGEST:
                raise self.stop(node, place, "longer than what is folded")
            return getattr(str(base), function.attr)(*arguments, **named)
        if isinstance(base, dict) and function.attr in VIEWS:
            result = getattr(base, function.attr)(*arguments, **named)
            return result if function.attr in {"get", "copy"} else list(result)
        raise self.stop(node, place, "a call, which only running tells")
