"""Follows an answer through statements, in their order: into names, attributes, conditions and further calls."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator

from dsaudit.codebase.nodes import constant_test, dotted, terminal

# What these hold says how a call went, not where the next page is.
STATUS = {"status_code", "status", "ok", "is_success", "is_error", "is_server_error", "is_client_error", "reason"}
# Arguments that say how to call, not what to ask for.
MANNER = {
    *("timeout", "headers", "auth", "cookies", "attempt", "attempts", "retry", "retries", "tries", "wait", "delay"),
    *("deadline", "token", "session", "client", "backoff"),
}
KEEPING = {"append", "appendleft", "extend", "add", "update", "insert", "setdefault", "put", "put_nowait", "push"}


class Flow:
    """Runs through statements and keeps the names that hold something of the answers of `sources`.

    Afterwards `asked` holds the `watched` calls whose arguments come from an answer, `used` tells whether an answer is
    made use of (yielded, looped over, handed on, collected), `ends` whether a loop is left because of what it says.
    With `forget` off a name that was once filled stays so, whatever it is given later. What goes into an `opaque` call
    does not come out of it.
    """

    def __init__(
        self,
        sources: Iterable[ast.AST],
        watched: Iterable[ast.AST] | None = None,
        quiet: Callable[[ast.Call], bool] = lambda call: False,
        forget: bool = True,
        opaque: Iterable[ast.AST] = (),
    ) -> None:
        self.sources = set(sources)
        self.watched = self.sources if watched is None else set(watched)
        self.quiet, self.forget, self.opaque = quiet, forget, set(opaque)
        self.asked: set[ast.AST] = set()
        self.used = self.ends = False

    def derived(self, node: ast.AST | None, known: set[str]) -> bool:
        """Whether an expression holds something of an answer; notes watched calls on the way."""
        found = [self._one(inner, known) for inner in _parts(node, self.opaque)] if node is not None else []
        return any(found)

    def _one(self, node: ast.AST, known: set[str]) -> bool:
        if isinstance(node, ast.Call) and node in self.watched and self.asks(node, known):
            self.asked.add(node)
        if isinstance(node, ast.NamedExpr) and self.derived(node.value, known):
            known.add(node.target.id)
        for generator in getattr(node, "generators", ()):
            if self.derived(generator.iter, known):
                self.bind(generator.target, True, known)
        return node in self.sources or (isinstance(node, ast.Name | ast.Attribute) and holds(node, known))

    def asks(self, call: ast.Call, known: set[str]) -> bool:
        """Whether what a call asks for comes from an answer."""
        quiet = Flow(self.sources, ())
        named = [keyword.value for keyword in call.keywords if (keyword.arg or "").lower() not in MANNER]
        receiver = [call.func.value] if isinstance(call.func, ast.Attribute) else []
        plain = [one for one in (*call.args, *receiver) if terminal(one).lower() not in MANNER]
        return any(quiet.derived(argument, known) for argument in (*plain, *named))

    def run(self, statements: Iterable[ast.stmt], known: set[str]) -> set[str]:
        """The names that hold something of an answer after the statements."""
        known = set(known)
        for statement in statements:
            known = self.statement(statement, known)
        return known

    def statement(self, node: ast.stmt, known: set[str]) -> set[str]:
        """The same for one statement."""
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
            self.assigned(node, known)
        elif isinstance(node, ast.Expr | ast.Return):
            self.expression(node, known)
        elif isinstance(node, ast.If):
            return self.branched(node, known)
        elif isinstance(node, ast.For | ast.AsyncFor | ast.While):
            return self.looped(node, known)
        elif isinstance(node, ast.With | ast.AsyncWith):
            for item in node.items:
                self.bind(item.optional_vars, self.derived(item.context_expr, known), known)
            return self.run(node.body, known)
        elif isinstance(node, ast.Try | ast.TryStar):
            return self.tried(node, known)
        elif isinstance(node, ast.Match):
            return self.matched(node, known)
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            self.derived(node, known)
        return known

    def assigned(self, node: ast.Assign | ast.AnnAssign | ast.AugAssign, known: set[str]) -> None:
        """Fills or empties the names that are assigned."""
        if node.value is None:
            return
        filled = self.derived(node.value, known)
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        names = {inner.id for target in targets for inner in ast.walk(target) if isinstance(inner, ast.Name)}
        collects = isinstance(node, ast.AugAssign) or any(isinstance(target, ast.Subscript) for target in targets)
        mentions = {inner.id for inner in _parts(node.value, self.sources) if isinstance(inner, ast.Name)}
        if filled and (collects or names & mentions or self.hands_on(node.value, known)):
            self.used = True
        for target in targets:
            if isinstance(node, ast.AugAssign):
                filled = filled or self.derived(node.target, known)
            self.bind(target, filled, known)

    def bind(self, target: ast.expr | None, filled: bool, known: set[str]) -> None:
        """Notes for a target whether it holds something of an answer now."""
        if isinstance(target, ast.Tuple | ast.List):
            for inner in target.elts:
                self.bind(inner, filled, known)
        elif isinstance(target, ast.Starred):
            self.bind(target.value, filled, known)
        elif isinstance(target, ast.Subscript):
            if filled and (path := dotted(target.value)):
                known.add(path)
        elif target is not None and (path := dotted(target)):
            if filled:
                known.add(path)
            elif self.forget:
                known.discard(path)

    def expression(self, node: ast.Expr | ast.Return, known: set[str]) -> None:
        """A statement that calls, yields or returns something."""
        filled = self.derived(node.value, known)
        value = node.value.value if isinstance(node.value, ast.Await) else node.value
        if isinstance(value, ast.Yield | ast.YieldFrom):
            self.used = self.used or filled
        elif isinstance(node, ast.Expr) and isinstance(value, ast.Call) and value not in self.sources:
            handed = self.given_any(value, known)
            if handed and not self.quiet(value):
                self.used = True
            if handed and isinstance(value.func, ast.Attribute) and value.func.attr in KEEPING:
                self.keep(value.func.value, known)
        elif isinstance(node, ast.Expr) and self.hands_on(node.value, known):
            self.used = True

    def keep(self, receiver: ast.expr, known: set[str]) -> None:
        """A collection that was given something of an answer."""
        path = dotted(receiver)
        if path and path not in {"self", "cls"}:
            known.add(path)

    def hands_on(self, node: ast.expr, known: set[str]) -> bool:
        """Whether an awaited call other than a source is given something of an answer."""
        for inner in ast.walk(node):
            call = inner.value if isinstance(inner, ast.Await) else None
            if not isinstance(call, ast.Call) or call in self.sources or self.quiet(call):
                continue
            if self.given_any(call, known):
                return True
        return False

    def given_any(self, call: ast.Call, known: set[str]) -> bool:
        """Whether an argument of a call holds something of an answer."""
        arguments = [*call.args, *(keyword.value for keyword in call.keywords)]
        found = [self.derived(argument, known) for argument in arguments]
        return any(found)

    def branched(self, node: ast.If, known: set[str]) -> set[str]:
        """Both branches, unless the condition is constant."""
        if self.derived(node.test, known) and (_leaves(node.body) or _leaves(node.orelse)):
            self.ends = True
        constant = constant_test(node)
        body = set() if constant is False else self.run(node.body, known)
        orelse = set() if constant is True else self.run(node.orelse, known)
        return body | orelse

    def looped(self, node: ast.For | ast.AsyncFor | ast.While, known: set[str]) -> set[str]:
        """An inner loop: run twice, so that its end is seen from its beginning."""
        if isinstance(node, ast.While):
            self.derived(node.test, known)
        else:
            filled = self.derived(node.iter, known)
            self.used = self.used or filled
            self.bind(node.target, filled, known)
        ends, once = self.ends, self.run(node.body, known)
        twice = self.run(node.body, known | once)
        self.ends = ends  # leaving an inner loop does not end this one
        return self.run(node.orelse, known | once | twice)

    def tried(self, node: ast.Try | ast.TryStar, known: set[str]) -> set[str]:
        """The body, then each handler from anywhere in it."""
        body = self.run(node.body, known)
        after = self.run(node.orelse, body)
        for handler in node.handlers:
            after = after | self.run(handler.body, known | body)
        return self.run(node.finalbody, after)

    def matched(self, node: ast.Match, known: set[str]) -> set[str]:
        """Each case by itself."""
        filled, after = self.derived(node.subject, known), set(known)
        for case in node.cases:
            names = {getattr(inner, "name", None) or getattr(inner, "rest", None) for inner in ast.walk(case.pattern)}
            captured = {name for name in names if name} if filled else set()
            if filled and _leaves(case.body):
                self.ends = True
            after |= self.run(case.body, known | captured)
        return after


def holds(node: ast.AST, known: set[str]) -> bool:
    """Whether a name, or what a dotted name begins with, is among the known ones."""
    path = dotted(node)
    if path is None:
        return False
    parts = path.split(".")
    return any(".".join(parts[:length]) in known for length in range(1, len(parts) + 1))


def _parts(node: ast.AST, opaque: set[ast.AST]) -> Iterator[ast.AST]:
    """An expression's nodes without those that tell only how a call went, or that follow a redirection."""
    if isinstance(node, ast.Attribute) and node.attr in STATUS:
        return
    if isinstance(node, ast.Subscript | ast.Call) and _is_location(node):
        return
    yield node
    if node in opaque or (isinstance(node, ast.Name | ast.Attribute) and dotted(node) is not None):
        return
    for child in ast.iter_child_nodes(node):
        yield from _parts(child, opaque)


def _is_location(node: ast.Subscript | ast.Call) -> bool:
    keys = [node.slice] if isinstance(node, ast.Subscript) else node.args[:1]
    return any(isinstance(key, ast.Constant) and str(key.value).lower() == "location" for key in keys)


def _leaves(statements: list[ast.stmt]) -> bool:
    """Whether a branch leaves the loop around it."""
    for statement in statements:
        if isinstance(statement, ast.Break | ast.Return):
            return True
        if isinstance(statement, ast.Raise) and statement.exc is not None:
            return terminal(statement.exc) in {"StopIteration", "StopAsyncIteration"}
        if isinstance(statement, ast.If) and (_leaves(statement.body) or _leaves(statement.orelse)):
            return True
    return False
