"""Folds the shapes of expressions: displays, operators, f-strings, comprehensions. Names and calls: see values."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from dsaudit.codebase.model import Code, Scope, Unresolved

STEPS = 100_000  # more than any list of scopes needs; a file that asks for more is hostile or generated
PLAIN = (str, int, float, bool, type(None))
REPLACED = (ast.Name, ast.Attribute, ast.Subscript, ast.Call, ast.Await)
OPERATORS: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: lambda one, other: bool(one == other),
    ast.NotEq: lambda one, other: bool(one != other),
    ast.In: lambda one, other: one in other,
    ast.NotIn: lambda one, other: one not in other,
}


class Stop(Exception):
    """Ends a folding; carries the reason."""

    def __init__(self, unresolved: Unresolved) -> None:
        super().__init__(str(unresolved))
        self.unresolved = unresolved


class Member(str):
    """The value of a text enumeration's member, whose f-string differs between versions of Python."""

    __slots__ = ()


@dataclass(frozen=True)
class Item:
    """A member of an enumeration of anything else; only its `.value` is folded."""

    value: object


@lru_cache(maxsize=4096)
def text_of(node: ast.AST) -> str:
    """The source text of an expression, written in one way."""
    return ast.unparse(node)


@dataclass(frozen=True)
class Place:
    """Where an expression is folded, and what the comprehensions around it have given its names."""

    scope: Scope
    local: Mapping[str, object] = field(default_factory=dict)


class Expressions:
    """One folding, with a budget of steps and a memory of the names it is in the midst of.

    `given` replaces expressions, by their source text, with values.
    """

    def __init__(self, code: Code, given: Mapping[str, object] | None = None) -> None:
        self.code, self.given = code, given or {}
        self.left, self.busy = STEPS, False
        self.active: set[tuple[str, int, str, int]] = set()

    def attempt(self, node: ast.expr, place: Place) -> object:
        """The value or Unresolved; never raises for what the code holds."""
        return self.guarded(lambda: self.value(node, place), place.scope.module.file, node.lineno)

    def guarded(self, work: Callable[[], object], file: str, line: int) -> object:
        """Runs a folding, the outermost with a fresh budget, and turns whatever ends it into Unresolved."""
        outermost = not self.busy
        if outermost:
            self.left, self.busy = STEPS, True
        try:
            return work()
        except Stop as stop:
            return stop.unresolved
        except (TypeError, ValueError, LookupError, OverflowError) as error:
            return Unresolved(file, line, f"would raise {type(error).__name__}")
        except RecursionError:
            return Unresolved(file, line, "nested too deeply")
        finally:
            self.busy = not outermost

    def stop(self, node: ast.AST, place: Place, why: str) -> Stop:
        """The exception to raise for an expression that is not folded."""
        return Stop(Unresolved(place.scope.module.file, int(getattr(node, "lineno", 1)), why))

    def spend(self, node: ast.AST, place: Place, steps: int = 1) -> None:
        """Counts work; ends the folding when it is too much."""
        self.left -= steps
        if self.left < 0:
            raise self.stop(node, place, "larger than what is folded")

    def value(self, node: ast.expr, place: Place) -> Any:
        """The value of an expression; raises Stop."""
        self.spend(node, place)
        hidden = isinstance(node, ast.Name) and node.id in place.local
        if self.given and isinstance(node, REPLACED) and not hidden and text_of(node) in self.given:
            return self.given[text_of(node)]
        method = getattr(self, f"_{type(node).__name__.lower()}", None)
        if method is None:
            raise self.stop(node, place, f"{type(node).__name__} is not folded")
        try:
            result = method(node, place)
        except (TypeError, ValueError, LookupError, OverflowError) as error:
            raise self.stop(node, place, f"would raise {type(error).__name__}") from None
        if isinstance(result, str | bytes | list | tuple | dict | set | frozenset):
            self.spend(node, place, len(result) // 8)
        return result

    def _constant(self, node: ast.Constant, place: Place) -> object:
        return node.value

    def _list(self, node: ast.List, place: Place) -> list[object]:
        return self.several(node.elts, place)

    def _tuple(self, node: ast.Tuple, place: Place) -> tuple[object, ...]:
        return tuple(self.several(node.elts, place))

    def _set(self, node: ast.Set, place: Place) -> set[object]:
        return set(self.several(node.elts, place))

    def several(self, nodes: Iterable[ast.expr], place: Place) -> list[object]:
        """The values of the elements of a display or the arguments of a call, starred ones unpacked."""
        result: list[object] = []
        for node in nodes:
            if isinstance(node, ast.Starred):
                part = self.iterable(node.value, place)
                self.spend(node, place, len(part))
                result.extend(part)
            else:
                result.append(self.value(node, place))
        return result

    def iterable(self, node: ast.expr, place: Place) -> list[Any]:
        """The elements of a collection; a text or a number is not taken apart."""
        result = self.value(node, place)
        if not isinstance(result, list | tuple | set | frozenset | dict):
            raise self.stop(node, place, "not a collection")
        return list(result)

    def _dict(self, node: ast.Dict, place: Place) -> dict[object, object]:
        result: dict[object, object] = {}
        for key, inner in zip(node.keys, node.values, strict=True):
            if key is not None:
                result[self.value(key, place)] = self.value(inner, place)
                continue
            other = self.value(inner, place)
            if not isinstance(other, dict):
                raise self.stop(inner, place, "not a dictionary")
            result |= other
        return result

    def _joinedstr(self, node: ast.JoinedStr, place: Place) -> str:
        return "".join(str(self.value(part, place)) for part in node.values)

    def _formattedvalue(self, node: ast.FormattedValue, place: Place) -> str:
        inner = self.value(node.value, place)
        if node.format_spec is not None or not isinstance(inner, PLAIN) or isinstance(inner, Member):
            raise self.stop(node, place, "formatted in a way that is not folded")
        return {114: repr, 97: ascii}.get(node.conversion, str)(inner)

    def _binop(self, node: ast.BinOp, place: Place) -> object:
        left, right = self.value(node.left, place), self.value(node.right, place)
        if isinstance(node.op, ast.Add) and isinstance(left, list | tuple | str | bytes | int | float):
            return left + right
        if isinstance(node.op, ast.BitOr) and isinstance(left, dict | set | frozenset):
            return left | right
        if isinstance(node.op, ast.Sub | ast.BitAnd) and isinstance(left, set | frozenset):
            return left - right if isinstance(node.op, ast.Sub) else left & right
        raise self.stop(node, place, f"operator {type(node.op).__name__} is not folded here")

    def _unaryop(self, node: ast.UnaryOp, place: Place) -> object:
        inner = self.value(node.operand, place)
        if isinstance(node.op, ast.Not) and isinstance(inner, PLAIN):
            return not inner
        if isinstance(node.op, ast.USub) and isinstance(inner, int | float):
            return -inner
        raise self.stop(node, place, "operator is not folded here")

    def _boolop(self, node: ast.BoolOp, place: Place) -> object:
        result: object = None
        for part in node.values:
            result = self.value(part, place)
            if bool(result) is isinstance(node.op, ast.Or):
                break
        return result

    def truth(self, node: ast.expr, place: Place) -> bool | None:
        """Whether a condition holds; None where only running tells."""
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            inner = self.truth(node.operand, place)
            return None if inner is None else not inner
        if isinstance(node, ast.BoolOp):
            parts = [self.truth(part, place) for part in node.values]
            decisive = isinstance(node.op, ast.Or)
            return decisive if decisive in parts else None if None in parts else not decisive
        result = self.attempt(node, place)
        return None if isinstance(result, Unresolved) else bool(result)

    def _compare(self, node: ast.Compare, place: Place) -> bool:
        if len(node.ops) > 1:
            raise self.stop(node, place, "a chained comparison is not folded")
        left, right = self.value(node.left, place), self.value(node.comparators[0], place)
        if type(node.ops[0]) not in OPERATORS:
            raise self.stop(node, place, "this comparison is not folded")
        return OPERATORS[type(node.ops[0])](left, right)

    def _subscript(self, node: ast.Subscript, place: Place) -> object:
        base = self.value(node.value, place)
        if isinstance(node.slice, ast.Slice):
            parts = (node.slice.lower, node.slice.upper, node.slice.step)
            lower, upper, step = (self.value(part, place) if part else None for part in parts)
            return base[lower:upper:step]
        return base[self.value(node.slice, place)]

    def _listcomp(self, node: ast.ListComp, place: Place) -> list[object]:
        return [self.value(node.elt, inner) for inner in self.rounds(node.generators, place)]

    def _generatorexp(self, node: ast.GeneratorExp, place: Place) -> list[object]:
        return [self.value(node.elt, inner) for inner in self.rounds(node.generators, place)]

    def _setcomp(self, node: ast.SetComp, place: Place) -> set[object]:
        return {self.value(node.elt, inner) for inner in self.rounds(node.generators, place)}

    def _dictcomp(self, node: ast.DictComp, place: Place) -> dict[object, object]:
        rounds = self.rounds(node.generators, place)
        return {self.value(node.key, inner): self.value(node.value, inner) for inner in rounds}

    def rounds(self, generators: list[ast.comprehension], place: Place) -> list[Place]:
        """The places in which a comprehension's element is folded, one for each round."""
        places = [place]
        for generator in generators:
            following = []
            for current in places:
                for element in self.iterable(generator.iter, current):
                    self.spend(generator.iter, current)
                    inner = Place(place.scope, {**current.local, **self.unpack(generator.target, element, current)})
                    if all(self.condition(test, inner) for test in generator.ifs):
                        following.append(inner)
            places = following
        return places

    def condition(self, node: ast.expr, place: Place) -> bool:
        """The same as truth, where the folding ends if it cannot be told."""
        result = self.truth(node, place)
        if result is None:
            raise self.stop(node, place, "a condition that only running tells")
        return result

    def unpack(self, target: ast.expr, element: Any, place: Place) -> dict[str, object]:
        """Names of a comprehension's target with their values in one round."""
        if isinstance(target, ast.Name):
            return {target.id: element}
        if not isinstance(target, ast.Tuple | ast.List) or not isinstance(element, list | tuple):
            raise self.stop(target, place, "this target is not folded")
        if len(target.elts) != len(element):
            raise self.stop(target, place, "does not fit what it is given")
        result: dict[str, object] = {}
        for inner, part in zip(target.elts, element, strict=True):
            result |= self.unpack(inner, part, place)
        return result
