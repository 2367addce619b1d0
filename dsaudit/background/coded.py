"""Finds the schedule in an application's code: what is given to `beat_schedule`, and periodic tasks that are added."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from dsaudit.background import intervals
from dsaudit.background.schedule import Entry, ScheduleError
from dsaudit.background.times import Crontab, Times
from dsaudit.codebase.expressions import Place
from dsaudit.codebase.model import Code, Module, Scope, Unresolved
from dsaudit.codebase.names import Found, lookup, origin
from dsaudit.codebase.nodes import dotted, scope_of, terminal
from dsaudit.codebase.refs import FunctionRef
from dsaudit.codebase.resolve import Resolver

if TYPE_CHECKING:
    from dsaudit.codebase import Function
    from dsaudit.parameters import Parameters

SCHEDULES = {"beat_schedule", "CELERY_BEAT_SCHEDULE", "CELERYBEAT_SCHEDULE"}
SETTING = {"update", "Celery"}
ZONES = {"timezone", "CELERY_TIMEZONE"}
SIGNATURES = {"s", "si", "signature", "subtask", "delay", "apply_async"}


@dataclass
class Reading:
    """What is found on the way through the code: entries, and places that might hold more and cannot be read.

    `declared` is the task's name as it is known, for one that is named by its function alone.
    """

    code: Code
    declared: str
    places: int = 0
    zones: set[str] = field(default_factory=set)
    entries: list[Entry] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)


def coded(parameters: Parameters, code: Code) -> list[Entry]:
    """Return the entries that the code gives, in the order of their names; nothing of it is run.

    One whose interval cannot be told without running has neither seconds nor crontab, and says why.

    Raises
    ------
    ScheduleError
        The code has no schedule, or the declared entry may be among what could not be read.
    """
    section = parameters.schedule
    assert section is not None
    reading = read(code, parameters.worker.task if parameters.worker else "")
    reading.unread += [str(problem) for problem in code.problems]
    if not any(one.name == section.entry for one in reading.entries):
        if reading.unread:
            raise ScheduleError(f"the schedule cannot be read whole from the code: {reading.unread[0]}")
        if not reading.places:
            raise ScheduleError("the code that was read sets no beat_schedule and adds no periodic task")
    return planned(reading)


def read(code: Code, declared: str = "") -> Reading:
    """Read all that the code gives to its schedule; what cannot be told without running is `unread`, and no error."""
    reading = Reading(code, declared)
    for module in code.modules.values():
        for node in ast.walk(module.tree):
            _look(reading, node, module)
    return reading


def planned(reading: Reading) -> list[Entry]:
    """Return the entries in the order of their names, those with a crontab in the zone that the code sets."""
    zone = next(iter(reading.zones)) if len(reading.zones) == 1 else None
    found = [Entry(**{**vars(one), "zone": zone if one.crontab else None}) for one in reading.entries]
    return sorted(found, key=lambda one: one.name)


def _look(reading: Reading, node: ast.AST, module: Module) -> None:
    """Take what one statement or call gives to the schedule."""
    scope = scope_of(node, module)
    if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            if isinstance(target, ast.Subscript) and terminal(target.value) in SCHEDULES:
                reading.places += 1
                _take(reading, target.slice, node.value, scope)
            else:
                _set(reading, _name(target, node, module), node.value, scope)
    elif isinstance(node, ast.Call):
        if terminal(node.func) == "add_periodic_task" and node.args:
            _add(reading, node, scope)
        elif terminal(node.func) == "update" and _is_schedule(node.func):
            for argument in node.args:
                _set(reading, "beat_schedule", argument, scope)
        else:
            is_setting = terminal(node.func) in SETTING
            for keyword in node.keywords:
                if is_setting or keyword.arg in SCHEDULES:
                    _set(reading, keyword.arg or "", keyword.value, scope)
            for argument in node.args if is_setting else ():
                if isinstance(argument, ast.Dict):
                    for key, value in zip(argument.keys, argument.values, strict=True):
                        _set(reading, str(getattr(key, "value", "")), value, scope)


def _is_schedule(function: ast.expr) -> bool:
    return isinstance(function, ast.Attribute) and terminal(function.value) in SCHEDULES


def _name(target: ast.expr, statement: ast.stmt, module: Module) -> str:
    """Return the setting that an assignment sets: ``app.conf.beat_schedule``, or a name of a module of settings."""
    if isinstance(target, ast.Attribute):
        return target.attr if "conf" in (dotted(target.value) or "") else ""
    name = target.id if isinstance(target, ast.Name) and statement in module.tree.body else ""
    return "" if name == "timezone" else name  # which may be any module's own


def _set(reading: Reading, name: str, value: ast.expr, scope: Scope) -> None:
    if name in ZONES:
        zone = Times(reading.code).attempt(value, Place(scope))
        reading.zones.add(zone if isinstance(zone, str) else "")
    elif name in SCHEDULES:
        reading.places += 1
        for key, given, where in _items(reading, value, scope):
            _take(reading, key, given, where)


def _items(
    reading: Reading, node: ast.expr, scope: Scope, depth: int = 0
) -> Iterator[tuple[ast.expr, ast.expr, Scope]]:
    """Yield the keys and values of a dictionary that is written out somewhere, each with where it stands."""
    if isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                yield from _items(reading, value, scope, depth + 1)
            else:
                yield key, value, scope
        return
    if isinstance(node, ast.Call) and dotted(node.func) == "dict" and not node.args:
        for keyword in node.keywords:
            if keyword.arg is None:
                yield from _items(reading, keyword.value, scope, depth + 1)
            else:
                yield ast.copy_location(ast.Constant(keyword.arg), keyword.value), keyword.value, scope
        return
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        yield from _items(reading, node.left, scope, depth + 1)
        yield from _items(reading, node.right, scope, depth + 1)
        return
    found = _assigned(reading.code, node, scope) if depth < 10 else None
    if found is None:
        where = f"{scope.module.file}:{node.lineno}"
        reading.unread.append(f"{where}: the schedule is made in a way that only running tells")
        return
    for binding in found.bindings:
        inner = Scope(found.scope.module, binding.scope)
        if binding.kind == "setitem" and binding.key is not None and binding.value is not None:
            yield binding.key, binding.value, inner
        elif binding.value is not None:
            yield from _items(reading, binding.value, inner, depth + 1)


def _assigned(code: Code, node: ast.expr, scope: Scope) -> Found | None:
    """Return where a name is given a value, None where that is not a plain assignment."""
    found = lookup(code, scope, node.id) if isinstance(node, ast.Name) else None
    target = origin(code, found) if isinstance(found, Found) else None
    is_plain = isinstance(target, Found) and {one.kind for one in target.bindings} <= {"assign", "setitem"}
    return target if isinstance(target, Found) and is_plain else None


def _take(reading: Reading, key: ast.expr, value: ast.expr, scope: Scope) -> None:
    """Take one entry: its name, and a dictionary with its task and its interval."""
    name = Times(reading.code).attempt(key, Place(scope))
    where = f"{scope.module.file}:{value.lineno}"
    if not isinstance(name, str):
        reading.unread.append(f"{where}: the name of an entry of the schedule is told by running alone")
        return
    parts = {}
    for part, given, inner in _items(reading, value, scope):
        word = Times(reading.code).attempt(part, Place(inner))
        parts[word if isinstance(word, str) else ""] = (given, inner)
    task = task_of(reading, *parts["task"]) if "task" in parts else ""
    if "schedule" not in parts:
        reading.entries.append(Entry(name, task, None, None, None, f"{where}: no schedule is written out in it"))
        return
    given, inner = parts["schedule"]
    seconds, crontab, told = _interval(reading, given, inner)
    reading.entries.append(Entry(name, task, seconds, crontab, None, told))


def _add(reading: Reading, call: ast.Call, scope: Scope) -> None:
    """Take what ``add_periodic_task(interval, task.s(), name="…")`` adds."""
    reading.places += 1
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    task = task_of(reading, call.args[1], scope) if len(call.args) > 1 else ""
    name: object = ""
    if "name" in given:
        name = Times(reading.code).attempt(given["name"], Place(scope))
    if not isinstance(name, str):
        reading.unread.append(
            f"{scope.module.file}:{call.lineno}: the name of a periodic task is told by running alone"
        )
        return
    seconds, crontab, told = _interval(reading, call.args[0], scope)
    reading.entries.append(Entry(name or f"{task}()", task, seconds, crontab, None, told))


def _interval(reading: Reading, node: ast.expr, scope: Scope) -> tuple[float | None, str | None, str]:
    """Return seconds, or a crontab, and where it stands; or neither, and why."""
    times = Times(reading.code)
    value = times.attempt(node, Place(scope))
    where = f"{scope.module.file}:{node.lineno}" + (f" ({', '.join(times.notes)})" if times.notes else "")
    if isinstance(value, timedelta):
        return value.total_seconds(), None, where
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value), None, where
    if isinstance(value, Crontab):
        found = intervals.written(value.fields)
        return None, found, where if found else f"{where}: the crontab cannot be read"
    why = value if isinstance(value, Unresolved) else f"{where}: it is no interval"
    return None, None, str(why)


def task_of(reading: Reading, node: ast.expr, scope: Scope) -> str:
    """Return the full name of a task that is named in words, or by the function that it is; else nothing."""
    is_signature = isinstance(node, ast.Call) and terminal(node.func) == "signature"
    named = node.args[0] if isinstance(node, ast.Call) and is_signature and node.args else node
    name = Times(reading.code).attempt(named, Place(scope))
    if isinstance(name, str):
        return name
    inner = node.func if isinstance(node, ast.Call) else node
    if not isinstance(inner, ast.Attribute) or inner.attr not in SIGNATURES | {"name"}:
        return ""
    for ref in Resolver(reading.code).refs(inner.value, scope):
        if isinstance(ref, FunctionRef):
            return _named(reading, ref.function)
    return ""


def _named(reading: Reading, function: Function) -> str:
    """Return the name of the task that a function is: the one its decorator gives, or its module's and its own."""
    module = next(one for one in reading.code.modules.values() if one.file == function.file)
    for decorator in getattr(function.node, "decorator_list", ()):
        for keyword in decorator.keywords if isinstance(decorator, ast.Call) else ():
            if keyword.arg == "name":
                name = Times(reading.code).attempt(keyword.value, Place(Scope(module, module.tree)))
                return name if isinstance(name, str) else ""
    name = f"{function.module}.{function.name}"  # as seen from the folder that was read, which may lie further inside
    return reading.declared if f".{reading.declared}".endswith(f".{name}") else name
