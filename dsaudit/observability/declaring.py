"""The code that declares metrics with prometheus_client: read as a tree, and never run.

Each declaration is done once more with the same arguments in a registry of our own, so that the library itself says
what it refuses.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import prometheus_client
from prometheus_client import CollectorRegistry, Histogram

CLASSES = ("Counter", "Gauge", "Histogram", "Summary", "Info", "Enum")
LIBRARY = "prometheus_client"


class Unreadable(ValueError):
    """The module cannot be read; the message says why."""


@dataclass(frozen=True)
class Declared:
    """One metric as the code declares it: `made` is the same metric in a registry of our own.

    `problem` is what the library says to its arguments, and `instead` the call that it takes; `unknown` says what
    could not be read of them.
    """

    variable: str
    kind: str
    name: str
    line: int
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    made: Any = field(default=None, compare=False, repr=False)
    problem: str = ""
    instead: str = ""
    unknown: str = ""


def declared(path: Path) -> list[Declared]:
    """Return the metrics that a module declares.

    Raises
    ------
    Unreadable
        It cannot be read, or is no Python; the library would say the same on import.
    """
    tree = parsed(path)
    names, registry = _imported(tree), CollectorRegistry()
    constants = _constants(tree)
    return [_declared(call, variable, kind, registry, constants) for variable, kind, call in _calls(tree, names)]


def parsed(path: Path) -> ast.Module:
    """Return a module's tree; raises `Unreadable`."""
    try:
        return ast.parse(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Unreadable(f"it cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise Unreadable("it is not UTF-8") from None
    except SyntaxError as error:
        raise Unreadable(f"it is no Python: line {error.lineno}: {error.msg}") from None
    except ValueError as error:
        raise Unreadable(f"it is no Python: {error}") from None


def _imported(tree: ast.Module) -> dict[str, str]:
    """Return by which names the classes go in a module, ``prometheus_client.Counter`` among them."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == LIBRARY:
            found |= {one.asname or one.name: one.name for one in node.names if one.name in CLASSES}
        elif isinstance(node, ast.Import):
            modules = [one.asname or one.name for one in node.names if one.name == LIBRARY]
            found |= {f"{module}.{name}": name for module in modules for name in CLASSES}
    return found


def _constants(tree: ast.Module) -> dict[str, ast.expr]:
    pairs = [(node.targets, node.value) for node in tree.body if isinstance(node, ast.Assign)]
    return {one.id: value for targets, value in pairs for one in targets if isinstance(one, ast.Name)}


def _calls(tree: ast.Module, names: dict[str, str]) -> Iterator[tuple[str, str, ast.Call]]:
    """Yield each call of a class, with the variable or attribute that holds it, '' where nothing does."""
    holders: dict[int, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            holders[id(node.value)] = target.attr if isinstance(target, ast.Attribute) else ast.unparse(target)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and (kind := names.get(ast.unparse(node.func))):
            yield holders.get(id(node), ""), kind, node


class _Unknown(ValueError):
    """An argument is no plain value."""


def _value(node: ast.expr, constants: dict[str, ast.expr], passed: int = 0) -> Any:
    if isinstance(node, ast.Name) and node.id in constants and passed < 10:
        return _value(constants[node.id], constants, passed + 1)
    if isinstance(node, (ast.List, ast.Tuple)):
        return [_value(one, constants, passed + 1) for one in node.elts]
    try:
        return ast.literal_eval(node)
    except ValueError:
        raise _Unknown(ast.unparse(node)) from None


def _declared(
    call: ast.Call, variable: str, kind: str, registry: CollectorRegistry, constants: dict[str, ast.expr]
) -> Declared:
    signature = inspect.signature(getattr(prometheus_client, kind))
    instead = _instead(call, kind, signature)
    try:
        given = _arguments(call, signature, constants)
    except _Refused as error:
        return Declared(variable, kind, error.name, call.lineno, problem=str(error), instead=instead)
    except _Unknown as error:
        return Declared(variable, kind, "", call.lineno, unknown=f"{error} is no plain value")
    given.pop("registry", None)
    name = str(given.get("name", ""))
    labels = tuple(map(str, given.get("labelnames") or ()))
    try:
        made = getattr(prometheus_client, kind)(**given, registry=registry)
    except (ValueError, TypeError) as error:
        return Declared(variable, kind, name, call.lineno, labels, problem=f"{type(error).__name__}: {error}")
    buckets = tuple(map(float, given.get("buckets", Histogram.DEFAULT_BUCKETS))) if kind == "Histogram" else ()
    return Declared(variable, kind, full_name(kind, given), call.lineno, labels, buckets, made)


class _Refused(ValueError):
    """The library refuses the arguments of a call."""

    def __init__(self, name: str, words: str) -> None:
        super().__init__(words)
        self.name = name


def _arguments(call: ast.Call, signature: inspect.Signature, constants: dict[str, ast.expr]) -> dict[str, Any]:
    if any(isinstance(one, ast.Starred) for one in call.args) or any(one.arg is None for one in call.keywords):
        raise _Unknown("what is given by * or **")
    first = call.args[0] if call.args else next((one.value for one in call.keywords if one.arg == "name"), None)
    name = str(first.value) if isinstance(first, ast.Constant) else ""
    try:
        bound = signature.bind(*call.args, **{str(one.arg): one.value for one in call.keywords})
    except TypeError as error:
        raise _Refused(name, f"TypeError: {error}") from None
    return {key: None if key == "registry" else _value(node, constants) for key, node in bound.arguments.items()}


def _instead(call: ast.Call, kind: str, signature: inspect.Signature) -> str:
    """Return a call without the arguments that the library does not know."""
    kept = [one for one in call.keywords if one.arg is None or one.arg in signature.parameters]
    return ast.unparse(ast.Call(ast.Name(kind), call.args, kept)) if len(kept) < len(call.keywords) else ""


def full_name(kind: str, given: dict[str, Any]) -> str:
    """Return under which name a metric is exposed."""
    parts = [str(given.get(one) or "") for one in ("namespace", "subsystem", "name", "unit")]
    if parts[3] and parts[2].endswith(f"_{parts[3]}"):
        parts[3] = ""
    name = "_".join(filter(None, parts))
    return name.removesuffix("_total") + "_total" if kind == "Counter" else name


def unset(gauges: list[Declared], module: Path, folder: Path) -> list[Declared]:
    """Return the gauges that nothing in a folder's code sets, as far as their variables' names tell.

    What hands a gauge on to something else may set it there, and so counts as setting it.
    """
    mentioned: set[str] = set()
    for path in sorted({module, *folder.rglob("*.py")}):
        try:
            tree = parsed(path)
        except Unreadable:
            continue
        mentioned |= set(_uses(tree))
    return [one for one in gauges if one.variable and one.variable not in mentioned]


def _uses(tree: ast.Module) -> Iterator[str]:
    """Yield the names that are read in a module, imports and the places where they are assigned aside."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
            yield node.attr
