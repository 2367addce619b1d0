"""Whether a branch or a function does anything with what it is given."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from dsaudit.codebase.expressions import text_of
from dsaudit.codebase.knowledge import ASIDE, INGEST, LOG_METHODS
from dsaudit.codebase.model import Function
from dsaudit.codebase.nodes import live_block, terminal


@dataclass(frozen=True)
class Kept:
    """The call that is given what came; `stores` where its name says that it keeps it."""

    name: str
    stores: bool


def keeps(statements: Iterable[ast.stmt], topics: Collection[str]) -> Kept | None:
    """The call that a branch gives more than constants and the topic, one that stores before others; None if none."""
    found = [
        Kept(terminal(node), bool(INGEST.search(terminal(node))) and not ASIDE.search(ast.unparse(node)))
        for node in live_block(statements)
        if isinstance(node, ast.Call) and not _only_logs(node) and not _only_tells(node, topics)
    ]
    return next((one for one in found if one.stores), found[0] if found else None)


def keeps_what_comes(function: Function, topics: Collection[str]) -> bool:
    """Whether a function stores what it is given, by its name or by what it calls."""
    node = function.node
    body = [ast.Expr(node.body)] if isinstance(node, ast.Lambda) else node.body
    kept = keeps(body, topics)
    stores = bool(INGEST.search(function.name)) or (kept is not None and kept.stores)
    return stores and not ASIDE.search(function.name)


def _only_tells(node: ast.Call, topics: Collection[str]) -> bool:
    given = (*node.args, *(keyword.value for keyword in node.keywords))
    return all(isinstance(one, ast.Constant) or text_of(one) in topics for one in given)


def is_trivial(node: ast.AST) -> bool:
    """Whether a function does nothing but pass, log or return a constant or an empty answer."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return does_nothing(node.body)
    return isinstance(node, ast.Lambda) and _says_nothing(node.body)


def does_nothing(statements: Iterable[ast.stmt]) -> bool:
    """The same for the statements of a branch."""
    return all(_passes(statement) for statement in statements)


def _passes(node: ast.stmt) -> bool:
    if isinstance(node, ast.Pass | ast.Continue | ast.Break):
        return True
    if isinstance(node, ast.Return):
        return node.value is None or _says_nothing(node.value)
    return isinstance(node, ast.Expr) and (_says_nothing(node.value) or _only_logs(node.value))


def _only_logs(node: ast.expr) -> bool:
    node = node.value if isinstance(node, ast.Await) else node
    return isinstance(node, ast.Call) and (terminal(node) in LOG_METHODS or terminal(node) == "print")


def _says_nothing(node: ast.expr) -> bool:
    """A constant, a display of constants, or an answer such as Response(status_code=200) made of them."""
    if isinstance(node, ast.Constant):
        return True
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        return all(_says_nothing(one) for one in node.elts)
    if isinstance(node, ast.Dict):
        return all(one is not None and _says_nothing(one) for one in (*node.keys, *node.values))
    if isinstance(node, ast.Call) and terminal(node).endswith(("Response", "HTTPException")):
        return all(_says_nothing(one) for one in (*node.args, *(keyword.value for keyword in node.keywords)))
    return isinstance(node, ast.Attribute) and terminal(node).startswith("HTTP_")
