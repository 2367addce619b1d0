"""Folds what code gives as an interval: numbers, timedeltas, crontabs, and settings with a default."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from dsaudit.codebase.classes import ClassAt, located
from dsaudit.codebase.expressions import Place, Stop
from dsaudit.codebase.names import External, lookup
from dsaudit.codebase.nodes import scope_of
from dsaudit.codebase.refs import InstanceRef
from dsaudit.codebase.resolve import Resolver
from dsaudit.codebase.values import Folder

OPERATORS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
}
LENGTHS = (int, float, timedelta)
NUMBERS = {"int": int, "float": float}
FROM_ENVIRONMENT = ("os.getenv", "os.environ.get")
WITH_DEFAULT = ("pydantic.Field", "pydantic.fields.Field", "dataclasses.field")
OF_CRONTAB = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week")


@dataclass(frozen=True)
class Crontab:
    """A crontab's five fields as the code gives them."""

    fields: tuple[object, ...]


class Times(Folder):
    """One folding of an interval; `notes` has the settings of which the default was taken."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.notes: list[str] = []

    def _binop(self, node: ast.BinOp, place: Place) -> object:
        if type(node.op) in OPERATORS:
            left, right = self.value(node.left, place), self.value(node.right, place)
            if isinstance(left, LENGTHS) and isinstance(right, LENGTHS) and right:
                return OPERATORS[type(node.op)](left, right)
        return super()._binop(node, place)

    def _attribute(self, node: ast.Attribute, place: Place) -> object:
        try:
            return super()._attribute(node, place)
        except Stop:
            refs = Resolver(self.code).refs(node.value, place.scope)
            if len(refs) != 1 or not isinstance(refs[0], InstanceRef):
                raise
            given = self.given_to(refs[0].at, node.attr)
            if len(given) > 1:
                raise self.stop(node, place, f"{node.attr} is given in several places") from None
            found = self.value(*given[0]) if given else self.of_class(refs[0].at, node, place)
            self.notes.append(f"the default of {ast.unparse(node)}")
            return found

    def given_to(self, at: ClassAt, name: str) -> list[tuple[ast.expr, Place]]:
        """What the code gives an attribute by its name where it makes an instance of the class, and where."""
        return [
            (keyword.value, Place(scope_of(node, module)))
            for module in self.code.modules.values()
            for node in ast.walk(module.tree)
            if isinstance(node, ast.Call)
            for keyword in node.keywords
            if keyword.arg == name and located(self.code, node.func, Place(scope_of(node, module))) == at
        ]

    def _call(self, node: ast.Call, place: Place) -> object:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name in NUMBERS and len(node.args) == 1 and lookup(self.code, place.scope, name) is None:
            return NUMBERS[name](self.value(node.args[0], place))
        target = located(self.code, node.func, place)
        dotted = target.dotted.lstrip(".") if isinstance(target, External) else ""
        if dotted == "datetime.timedelta":
            named = {one.arg: self.value(one.value, place) for one in node.keywords if one.arg}
            given: list[Any] = self.several(node.args, place)
            return timedelta(*given, **named)
        if dotted.startswith("celery.schedules."):
            return self.planned(node, dotted.rpartition(".")[2], place)
        if dotted in FROM_ENVIRONMENT and node.args:
            variable = self.value(node.args[0], place)
            is_left_out = len(node.args) == 1 and not node.keywords
            found = None if is_left_out else self.default(node, node.args[1:], place)
            self.notes.append(f"the default of {variable}")
            return found
        if dotted in WITH_DEFAULT:
            return self.default(node, node.args, place)
        return super()._call(node, place)

    def planned(self, node: ast.Call, kind: str, place: Place) -> object:
        """What ``crontab(…)`` or ``schedule(…)`` of Celery means."""
        named = {one.arg or "": one.value for one in node.keywords}
        if kind == "crontab" and len(node.args) <= 2 and "" not in named:  # versions differ in the third
            fields = dict(zip(OF_CRONTAB, self.several(node.args, place), strict=False))
            fields |= {name: self.value(value, place) for name, value in named.items() if name in OF_CRONTAB}
            return Crontab(tuple(fields.get(name, "*") for name in OF_CRONTAB))
        if kind == "schedule" and (node.args or "run_every" in named):
            return self.value(node.args[0] if node.args else named["run_every"], place)
        raise self.stop(node, place, f"a {kind} that is not followed")

    def default(self, node: ast.Call, given: list[ast.expr], place: Place) -> object:
        """The default that a call gives, as its next argument or by name."""
        named = next((one.value for one in node.keywords if one.arg == "default"), None)
        value = given[0] if given else named
        if value is None or (isinstance(value, ast.Constant) and value.value in (None, ...)):
            raise self.stop(node, place, "a setting without a default")
        return self.value(value, place)
