"""Where each name is mentioned in the code, by its last part."""

from __future__ import annotations

import ast

from dsaudit.codebase.model import Code, Module
from dsaudit.codebase.nodes import terminal


def mentions(code: Code) -> dict[str, list[tuple[Module, ast.expr]]]:
    """The places at which a name or attribute is read, by the name or the attribute; worked out once."""
    known = code.memory.get("mentions")
    if isinstance(known, dict):
        return known
    found: dict[str, list[tuple[Module, ast.expr]]] = {}
    for module in code.modules.values():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load):
                found.setdefault(terminal(node), []).append((module, node))
    code.memory["mentions"] = found
    return found
