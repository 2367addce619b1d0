"""The expressions that hold the topic of a delivery that came in, in one function."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator

from dsaudit.codebase.expressions import REPLACED, Place, text_of
from dsaudit.codebase.model import Code, Function, Scope, Unresolved
from dsaudit.codebase.names import Found, lookup
from dsaudit.codebase.nodes import looked_up, nodes_of, terminal
from dsaudit.codebase.refs import ExternalRef
from dsaudit.codebase.resolve import Resolver
from dsaudit.codebase.sequences import Sequences
from dsaudit.codebase.values import fold

TOPIC = re.compile(r"topic(?!s\b|s$)", re.IGNORECASE)
COLLECTIONS = {"builtins.dict()", "builtins.list()", "builtins.set()", "builtins.tuple()"}


class Topics:
    """Finds the expressions that hold a delivery's topic: by name, by header, by what they are held against."""

    def __init__(self, code: Code, function: Function, scope: Scope, wanted: Collection[str]) -> None:
        self.code, self.scope, self.wanted = code, scope, set(wanted)
        self.nodes = nodes_of(function, code)
        self.resolver = Resolver(code)
        self.loops = self._loop_names()

    def _loop_names(self) -> set[str]:
        bindings = self.scope.module.tables[self.scope.node].bindings
        names = {name for name, several in bindings.items() if any(one.kind == "loop" for one in several)}
        for node in self.nodes:
            if isinstance(node, ast.comprehension):
                names |= {inner.id for inner in ast.walk(node.target) if isinstance(inner, ast.Name)}
        return names

    def texts(self) -> tuple[set[str], bool]:
        """The source texts of such expressions, and whether one of them reads a header."""
        from_header = {text_of(node) for node in self.nodes if self._is_header(node)}
        named = {text_of(node) for node in self.nodes if self._is_named(node)}
        against = {text_of(node) for node in self._held_against() if self._open(node)}
        return from_header | named | against, bool(from_header)

    def _is_header(self, node: ast.AST) -> bool:
        key = looked_up(node) if isinstance(node, ast.Subscript | ast.Call) else None
        name = fold(self.code, key, self.scope) if key is not None else None
        return isinstance(name, str) and bool(TOPIC.search(name)) and name not in self.wanted

    def _is_named(self, node: ast.AST) -> bool:
        if not isinstance(node, ast.Name | ast.Attribute) or not isinstance(node.ctx, ast.Load):
            return False
        return bool(TOPIC.search(terminal(node))) and self._open(node)

    def _open(self, node: ast.expr) -> bool:
        """Whether an expression holds something given from outside: no loop's variable, no constant, no collection."""
        root = node
        while isinstance(root, ast.Attribute | ast.Subscript | ast.Call | ast.Await):
            root = root.func if isinstance(root, ast.Call) else root.value
        if not isinstance(root, ast.Name) or root.id in self.loops:
            return False
        found = lookup(self.code, self.scope, root.id)
        if not isinstance(found, Found) or isinstance(found.scope.node, ast.Module):
            return False
        if not isinstance(fold(self.code, node, self.scope), Unresolved):
            return False
        refs = self.resolver.refs(node, self.scope)
        return not any(isinstance(ref, ExternalRef) and ref.dotted in COLLECTIONS for ref in refs)

    def _held_against(self) -> Iterator[ast.expr]:
        for node in self.nodes:
            if isinstance(node, ast.Compare) and len(node.comparators) == 1:
                yield from self._compared(node)
            elif isinstance(node, ast.Match):
                patterns = [one for case in node.cases for one in ast.walk(case.pattern)]
                values = [fold(self.code, one.value, self.scope) for one in patterns if isinstance(one, ast.MatchValue)]
                if self._hits(values) and isinstance(node.subject, REPLACED):
                    yield node.subject
            elif isinstance(node, ast.Subscript | ast.Call):
                key = looked_up(node)
                mapping = node.value if isinstance(node, ast.Subscript) else getattr(node.func, "value", None)
                if isinstance(key, REPLACED) and mapping is not None:
                    entries = Sequences(self.code).entries(mapping, Place(self.scope))
                    if self._hits([entry.key.value for entry in entries]):
                        yield key

    def _compared(self, node: ast.Compare) -> Iterator[ast.expr]:
        for one, other in ((node.left, node.comparators[0]), (node.comparators[0], node.left)):
            value = fold(self.code, other, self.scope)
            values = [value] if isinstance(value, str) else value if isinstance(value, list | tuple | set) else []
            if isinstance(one, REPLACED) and self._hits(list(values)):
                yield one

    def _hits(self, values: list[object]) -> bool:
        return any(isinstance(value, str) and value in self.wanted for value in values)
