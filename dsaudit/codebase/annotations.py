"""What an annotation says about a value's class."""

from __future__ import annotations

import ast

from dsaudit.codebase.classes import ClassAt, located
from dsaudit.codebase.expressions import Place
from dsaudit.codebase.model import Code, Scope
from dsaudit.codebase.names import External
from dsaudit.codebase.nodes import terminal
from dsaudit.codebase.refs import ClassRef, ExternalRef, InstanceRef, Refs

WRAPPERS = {
    *("Optional", "Union", "Annotated", "ClassVar", "Final", "Awaitable", "Coroutine", "AsyncIterator", "Iterator"),
    *("AsyncGenerator", "Generator", "AbstractAsyncContextManager", "AbstractContextManager", "Self"),
}
BUILT_IN = {"str", "int", "float", "bool", "bytes", "dict", "list", "tuple", "set", "frozenset", "None", "object"}
SAYING_NOTHING = {"typing", "collections.abc", "typing_extensions", "types", "collections"}


def instances(code: Code, node: ast.expr, scope: Scope) -> Refs:
    """The instances that a parameter, variable or result of this annotation can be; empty where it does not tell."""
    if isinstance(node, ast.Constant):
        return _text(code, node, scope)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return _without_none((*instances(code, node.left, scope), *instances(code, node.right, scope)))
    if isinstance(node, ast.Subscript):
        return _generic(code, node, scope)
    if not isinstance(node, ast.Name | ast.Attribute):
        return ()
    target = located(code, node, Place(scope))
    if isinstance(target, ClassAt):
        return (InstanceRef(target),)
    if isinstance(target, External):
        nothing = any(target.dotted.startswith(f"{name}.") for name in SAYING_NOTHING)
        return () if nothing else (ExternalRef(f"{target.dotted.lstrip('.')}()"),)
    name = terminal(node)
    return (ExternalRef(f"builtins.{name}()"),) if target is None and name in BUILT_IN else ()


def _text(code: Code, node: ast.Constant, scope: Scope) -> Refs:
    if node.value is None:
        return (ExternalRef("builtins.None()"),)
    if not isinstance(node.value, str):
        return ()
    try:
        return instances(code, ast.parse(node.value, mode="eval").body, scope)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()


def _generic(code: Code, node: ast.Subscript, scope: Scope) -> Refs:
    name = terminal(node.value)
    parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    if name == "type":
        return tuple(ClassRef(ref.at) for ref in instances(code, parts[0], scope) if isinstance(ref, InstanceRef))
    if name == "Coroutine":
        return instances(code, parts[-1], scope)
    if name == "Union":
        return _without_none(tuple(ref for part in parts for ref in instances(code, part, scope)))
    if name in WRAPPERS:
        return _without_none(instances(code, parts[0], scope))
    return instances(code, node.value, scope)


def _without_none(refs: Refs) -> Refs:
    return tuple(ref for ref in refs if ref != ExternalRef("builtins.None()"))
