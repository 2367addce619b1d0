"""Methods that are only declared, and those that stand in for them; methods that a computed name can mean."""

from __future__ import annotations

import ast
import re

from dsaudit.codebase.classes import ClassAt, descendants, family
from dsaudit.codebase.model import Code, Function, Scope, Unresolved
from dsaudit.codebase.nodes import terminal
from dsaudit.codebase.refs import FunctionRef, Refs
from dsaudit.codebase.values import fold


def is_stub(function: Function) -> bool:
    """Whether a function is only declared: abstract, an overload, or a body that is `...` or NotImplementedError."""
    node = function.node
    if isinstance(node, ast.Lambda):
        return False
    if {terminal(one) for one in node.decorator_list} & {"abstractmethod", "overload"}:
        return True
    body = [one for one in node.body if not _says_nothing(one)]
    if not body:
        return any(isinstance(one, ast.Expr) and getattr(one.value, "value", None) is Ellipsis for one in node.body)
    first = body[0]
    return isinstance(first, ast.Raise) and first.exc is not None and terminal(first.exc) == "NotImplementedError"


def standing_in(code: Code, parent: ClassAt, name: str) -> Refs:
    """The methods of other classes that implement one that is only declared in `parent`."""
    protocol = any(terminal(base) == "Protocol" for base in parent.node.bases)
    related = _all_classes(code) if protocol else descendants(code, parent)
    found = []
    for at in related:
        for binding in at.module.tables[at.node].bindings.get(name, ()) if at != parent else ():
            function = at.module.functions.get(binding.node)
            if function is not None and not is_stub(function):
                found.append(FunctionRef(function, True))
    return tuple(found)


def _all_classes(code: Code) -> list[ClassAt]:
    known = code.memory.get("classes")
    if not isinstance(known, list):
        nodes = [(module, node) for module in code.modules.values() for node in module.classes]
        known = [ClassAt(module, node) for module, node in nodes if isinstance(node, ast.ClassDef)]
        code.memory["classes"] = known
    return known


def named_like(code: Code, node: ast.expr, scope: Scope, at: ClassAt) -> list[str]:
    """The methods of a class that a computed name can mean; none where nothing of the name is known."""
    value = fold(code, node, scope)
    pattern = re.escape(value) if isinstance(value, str) else _pattern(node)
    if isinstance(value, Unresolved) and not re.search(r"\w\w", pattern.replace(".*", "")):
        return []
    names = {
        name
        for parent in family(code, at)
        if isinstance(parent, ClassAt)
        for name, bindings in parent.module.tables[parent.node].bindings.items()
        if bindings[-1].kind == "function"
    }
    return sorted(name for name in names if re.fullmatch(pattern, name))


def _pattern(node: ast.expr) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return re.escape(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_pattern(part) for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _pattern(node.left) + _pattern(node.right)
    return ".*"


def _says_nothing(node: ast.stmt) -> bool:
    return isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
