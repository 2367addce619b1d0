"""Where a signed message comes from: the raw body of a request, or something made from it."""

from __future__ import annotations

import ast
from typing import Literal

from dsaudit.codebase.callsites import call_sites, shared_resolver
from dsaudit.codebase.model import Binding, Code, Scope
from dsaudit.codebase.names import Found, lookup
from dsaudit.codebase.nodes import arguments_of, scope_of, terminal

Origin = Literal["raw", "made", "unknown"]

RAW = {"body", "raw_body", "get_data", "data", "body_bytes", "content", "rawBody", "raw", "read"}
MADE = {"dumps", "json", "form", "urlencode", "join", "str", "repr", "model_dump_json", "parse_qs", "loads", "sorted"}
SAME = {"encode", "decode", "bytes", "bytearray", "memoryview"}
DEEPEST = 6


def origin_of(code: Code, node: ast.expr, scope: Scope, depth: int = 0) -> Origin:
    """Follows a message back through names, parameters and their calls."""
    if depth > DEEPEST:
        return "unknown"
    if isinstance(node, ast.Await | ast.FormattedValue):
        return origin_of(code, node.value, scope, depth)
    if isinstance(node, ast.JoinedStr | ast.BinOp | ast.BoolOp | ast.IfExp):
        return _of_parts(code, node, scope, depth)
    if isinstance(node, ast.Call):
        return _of_call(code, node, scope, depth)
    if isinstance(node, ast.Attribute):
        return "raw" if node.attr in RAW else "unknown"
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        return "raw" if node.slice.value in RAW else "unknown"
    return _of_name(code, node, scope, depth) if isinstance(node, ast.Name) else "unknown"


def _of_parts(code: Code, node: ast.expr, scope: Scope, depth: int) -> Origin:
    if isinstance(node, ast.BinOp):
        parts = [node.left, node.right]
    elif isinstance(node, ast.IfExp):
        parts = [node.body, node.orelse]
    else:
        parts = node.values  # type: ignore[attr-defined]
    return _best([origin_of(code, part, scope, depth + 1) for part in parts if not isinstance(part, ast.Constant)])


def _of_call(code: Code, node: ast.Call, scope: Scope, depth: int) -> Origin:
    name = terminal(node)
    if name in MADE:
        return "made"
    if name in SAME:
        inner = node.func.value if isinstance(node.func, ast.Attribute) else node.args[0] if node.args else None
        return origin_of(code, inner, scope, depth + 1) if inner is not None else "unknown"
    return "raw" if name in RAW and isinstance(node.func, ast.Attribute) else "unknown"


def _of_name(code: Code, node: ast.Name, scope: Scope, depth: int) -> Origin:
    found = lookup(code, scope, node.id)
    if not isinstance(found, Found):
        return "unknown"
    origins: list[Origin] = []
    for binding in found.bindings:
        if binding.kind == "parameter":
            origins.append(_of_parameter(code, node.id, binding, found.scope, depth))
        elif binding.value is not None and binding.kind in {"assign", "unpack"}:
            origins.append(origin_of(code, binding.value, found.scope, depth + 1))
    return _best(origins)


def _of_parameter(code: Code, name: str, binding: Binding, scope: Scope, depth: int) -> Origin:
    function = scope.module.functions[scope.node]
    given: list[Origin] = []
    for (module, call), bound in call_sites(code, function):
        arguments = dict(arguments_of(call, function, bound))
        if name in arguments:
            given.append(origin_of(code, arguments[name], scope_of(call, module), depth + 1))
    if given:
        return _best(given)
    typed = binding.annotation is not None and terminal(binding.annotation) == "bytes"
    return "raw" if typed else "unknown"


def _best(origins: list[Origin]) -> Origin:
    for wanted in ("raw", "made"):
        if wanted in origins:
            return wanted
    return "unknown"


def external_names(code: Code, node: ast.expr, scope: Scope) -> set[str]:
    """The dotted names, outside the code, that an expression leads to."""
    return {ref.dotted for ref in shared_resolver(code).refs(node, scope) if hasattr(ref, "dotted")}
