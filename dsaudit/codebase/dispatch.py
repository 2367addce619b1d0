"""What one function does because of a topic: its conditions, cases and look-ups, tried with the topic put in."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, replace

from dsaudit.codebase.expressions import Place
from dsaudit.codebase.inert import does_nothing, is_trivial, keeps, keeps_what_comes
from dsaudit.codebase.knowledge import LOG_METHODS
from dsaudit.codebase.model import Code, Function, Scope, Unresolved
from dsaudit.codebase.nodes import LEAVING, looked_up, nodes_of, terminal
from dsaudit.codebase.refs import ClassRef, FunctionRef, InstanceRef, ModuleRef, Ref
from dsaudit.codebase.resolve import Resolver
from dsaudit.codebase.sequences import Entry, Sequences
from dsaudit.codebase.values import Folder

TOLD = (str, list, tuple, set, dict)
NO_TOPIC = "\0none/none"  # whatever holds for this as well has nothing to do with the topic


@dataclass(frozen=True)
class Evidence:
    """A place that speaks for or against a topic being handled.

    kind: found, dropped (nothing is done with it), rest (done with whatever has no handler), passed (let through by a
    filter), unresolved.
    by: entry, condition, resource (a condition that any topic of the resource meets), case, name, declared, rest.
    `where` and `at` are the function and the line in which it is decided.
    """

    kind: str
    file: str
    line: int
    how: str
    where: str
    by: str
    at: int

    def as_kind(self, kind: str) -> Evidence:
        """The same place speaking differently."""
        return replace(self, kind=kind)


class Dispatch:
    """The places of one function where `texts`, the expressions that hold the topic, decide what happens."""

    def __init__(self, code: Code, function: Function, scope: Scope, texts: set[str]) -> None:
        self.code, self.function, self.scope, self.texts = code, function, scope, texts
        self.nodes = nodes_of(function, code)
        self.resolver = Resolver(code)
        self.without, self.some = self._folder(NO_TOPIC), self._folder("some/topic")
        self.mappings: dict[ast.AST, list[Entry]] = {}

    def _folder(self, topic: str) -> Folder:
        return Folder(self.code, dict.fromkeys(self.texts, topic))

    def evidence(self, topic: str) -> Iterator[Evidence]:
        """All places that speak for or against this topic, in the order of the text."""
        folder, sibling = self._folder(topic), self._folder(f"{topic.split('/')[0]}/none")
        for node in self.nodes:
            if isinstance(node, ast.If | ast.IfExp):
                yield from self._condition(node, folder, sibling)
            elif isinstance(node, ast.comprehension):
                for test in node.ifs:
                    yield from self._unknown(test, node.iter.lineno)
            elif isinstance(node, ast.Match):
                yield from self._match(node, folder)
            elif isinstance(node, ast.Subscript | ast.Call):
                yield from self._look_up(node, folder)
                if isinstance(node, ast.Call) and terminal(node) == "getattr" and len(node.args) > 1:
                    yield from self._computed(node, folder)

    def _evidence(self, kind: str, at: int, how: str, by: str, place: tuple[str, int] | None = None) -> Evidence:
        file, line = place or (self.function.file, at)
        return Evidence(kind, file, line, how, self.function.qualified, by, at)

    def tells_apart(self, reads_header: bool, filters: set[int]) -> bool:
        """Whether anything but filters, told by their lines, depends on which topic it is, be it one not asked for."""
        for node in self.nodes:
            if isinstance(node, ast.Match) and self._depends(node.subject):
                return True
            if isinstance(node, ast.Compare) and node.lineno not in filters:
                sides = (node.left, *node.comparators)
                others = [self.without.attempt(side, Place(self.scope)) for side in sides if not self._depends(side)]
                if len(others) < len(sides) and any(isinstance(one, TOLD) for one in others):
                    return True
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "startswith":
                if self._depends(node.func.value):
                    return True
            elif isinstance(node, ast.Subscript | ast.Call) and (key := looked_up(node)) is not None:
                use = self._use(node) if self._depends(key) else None
                if use == "called" or (use == "given" and reads_header):
                    return True
        return False

    def _depends(self, node: ast.expr) -> bool:
        value = self.some.attempt(node, Place(self.scope))
        return isinstance(value, str | list | tuple) and value != self.without.attempt(node, Place(self.scope))

    def _condition(self, node: ast.If | ast.IfExp, folder: Folder, sibling: Folder) -> Iterator[Evidence]:
        place = Place(self.scope)
        holds, otherwise = folder.truth(node.test, place), self.without.truth(node.test, place)
        by = "resource" if sibling.truth(node.test, place) is holds else "condition"
        how = f"a condition in {self.function.name} is met by it"
        if holds is True and otherwise is not True:
            empty = isinstance(node, ast.If) and does_nothing(node.body)
            kind = "found" if not empty else "dropped" if self._leaves(node) else "nothing"
            if kind != "nothing":
                yield self._evidence(kind, node.lineno, how, by)
        elif holds is False and otherwise is True and isinstance(node, ast.If):
            if node.orelse and not does_nothing(node.orelse):
                yield self._evidence("found", node.lineno, how, by)
            elif self._leaves(node):
                how = f"a filter in {self.function.name} lets it through"
                yield self._evidence("passed", node.lineno, how, by)
        elif holds is False and otherwise is False and isinstance(node, ast.If):
            yield from self._rest(node.orelse)
        elif holds is None and isinstance(node, ast.If) and not does_nothing(node.body):
            yield from self._unknown(node.test, node.lineno)

    def _rest(self, statements: list[ast.stmt]) -> Iterator[Evidence]:
        """What is done with every topic that no condition, case or entry before is meant for."""
        if statements and not isinstance(statements[0], ast.If):
            kept = keeps(statements, self.texts)
            line = statements[0].lineno
            if kept is not None:
                how = f"what has no handler of its own goes to {kept.name} in {self.function.name}"
                yield self._evidence("rest" if kept.stores else "unresolved", line, how, "rest")

    def _unknown(self, test: ast.expr, line: int) -> Iterator[Evidence]:
        """A condition that holds the topic against something which is not followed, such as the rows of a table."""
        for node in ast.walk(test):
            sides: list[ast.expr] = []
            if isinstance(node, ast.Compare):
                sides = [node.left, *node.comparators]
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "startswith":
                sides = [node.func.value, *node.args]
            held = [side for side in sides if self._depends(side)]
            if held and any(side not in held and self._hidden(side) for side in sides):
                how = f"{self.function.name} holds it against something that is not followed"
                yield self._evidence("unresolved", line, how, "condition")
                return

    def _leaves(self, node: ast.If | ast.IfExp) -> bool:
        """Whether a branch ends here: it leaves the function, or it is one arm of several."""
        if isinstance(node, ast.IfExp):
            return False
        parent = self.scope.module.parents.get(node)
        arm = bool(node.orelse) or (isinstance(parent, ast.If) and parent.orelse == [node])
        return arm or isinstance(node.body[-1], LEAVING)

    def _hidden(self, node: ast.expr) -> bool:
        """Whether neither the value of an expression nor the keys of the mapping that it may be are known."""
        value = self.without.attempt(node, Place(self.scope))
        keys = [entry.key.value for entry in self._entries(node)] if isinstance(value, Unresolved) else []
        return any(isinstance(key, Unresolved) for key in keys)

    def _match(self, node: ast.Match, folder: Folder) -> Iterator[Evidence]:
        place = Place(self.scope)
        subject, other = folder.attempt(node.subject, place), self.without.attempt(node.subject, place)
        if isinstance(subject, Unresolved) or subject == other:
            return
        for case in node.cases:
            if not self._fits(case.pattern, subject, folder) or self._fits(case.pattern, other, folder):
                continue
            if case.guard is not None and folder.truth(case.guard, place) is False:
                continue
            kind = "dropped" if does_nothing(case.body) else "found"
            how = f"a case in {self.function.name} is meant for it"
            yield self._evidence(kind, case.pattern.lineno, how, "case")
            return
        last = node.cases[-1]
        if isinstance(last.pattern, ast.MatchAs) and last.pattern.pattern is None and last.guard is None:
            yield from self._rest(last.body)

    def _fits(self, pattern: ast.pattern, value: object, folder: Folder) -> bool:
        if isinstance(pattern, ast.MatchValue):
            return folder.attempt(pattern.value, Place(self.scope)) == value
        if isinstance(pattern, ast.MatchOr):
            return any(self._fits(one, value, folder) for one in pattern.patterns)
        if isinstance(pattern, ast.MatchAs):
            return pattern.pattern is None or self._fits(pattern.pattern, value, folder)
        if isinstance(pattern, ast.MatchSequence) and isinstance(value, list | tuple):
            return self._fits_sequence(pattern.patterns, list(value), folder)
        return False

    def _fits_sequence(self, patterns: list[ast.pattern], values: list[object], folder: Folder) -> bool:
        star = next((at for at, one in enumerate(patterns) if isinstance(one, ast.MatchStar)), None)
        if star is not None:
            rest = len(patterns) - star - 1
            values = [*values[:star], *(values[len(values) - rest :] if rest else [])]
            patterns = [one for one in patterns if not isinstance(one, ast.MatchStar)]
        pairs = zip(patterns, values, strict=False)
        return len(patterns) == len(values) and all(self._fits(one, value, folder) for one, value in pairs)

    def _look_up(self, node: ast.Subscript | ast.Call, folder: Folder) -> Iterator[Evidence]:
        key, mapping = looked_up(node), node.value if isinstance(node, ast.Subscript) else node.func
        if key is None or (not isinstance(node, ast.Call) and not isinstance(node.ctx, ast.Load)):
            return
        place = Place(self.scope)
        value = folder.attempt(key, place)
        if not isinstance(value, str) or value == self.without.attempt(key, place):
            return
        entries = self._entries(mapping.value if isinstance(node, ast.Call) else mapping)  # type: ignore[attr-defined]
        use = self._use(node)
        for entry in entries:
            if entry.key.value == value and use is not None:
                kind = "dropped" if self._is_trivial(entry) else "found"
                how = f"an entry for it is looked up in {self.function.name}"
                yield self._evidence(kind, node.lineno, how, "entry", (entry.key.file, entry.key.line))
                return
        unknown = [entry.key.value for entry in entries if isinstance(entry.key.value, Unresolved)]
        if not unknown and use is not None:
            yield from self._by_default(node)
        if unknown and use == "called":
            yield self._evidence("unresolved", node.lineno, f"it is looked up among {unknown[0]}", "entry")

    def _by_default(self, node: ast.Subscript | ast.Call) -> Iterator[Evidence]:
        """The handler that a look-up without an entry falls back on: `get(topic, other)`, `get(topic) or other`."""
        outer = self.scope.module.parents.get(node)
        others = outer.values[-1:] if isinstance(outer, ast.BoolOp) and isinstance(outer.op, ast.Or) else []
        for other in (*(node.args[1:] if isinstance(node, ast.Call) else ()), *others):
            for ref in self.resolver.refs(other, self.scope):
                if isinstance(ref, FunctionRef) and not is_trivial(ref.function.node):
                    stores = keeps_what_comes(ref.function, self.texts)
                    kind = "rest" if stores else "unresolved"
                    how = f"what has no entry of its own goes to {ref.function.name}"
                    yield self._evidence(kind, node.lineno, how, "rest", (ref.function.file, ref.function.line))

    def _entries(self, mapping: ast.expr) -> list[Entry]:
        if mapping not in self.mappings:
            self.mappings[mapping] = Sequences(self.code).entries(mapping, Place(self.scope))
        return self.mappings[mapping]

    def _is_trivial(self, entry: Entry) -> bool:
        if entry.value is None or (isinstance(entry.value, ast.Constant) and entry.value.value is None):
            return True
        refs = self.resolver.refs(entry.value, entry.scope)
        return all(_does_nothing(ref) for ref in refs)

    def _use(self, node: ast.expr) -> str | None:
        """How a looked-up value is used: called, given (to a call that does not log, or back to the caller), or not."""
        parents = self.scope.module.parents
        inner, outer = node, parents.get(node)
        passing = (ast.Await, ast.BoolOp, ast.IfExp, ast.keyword, ast.Starred, ast.NamedExpr, ast.Attribute)
        while isinstance(outer, passing):
            inner, outer = outer, parents.get(outer)  # type: ignore[assignment]
        if isinstance(outer, ast.Call):
            return "called" if outer.func is inner else _given(outer)
        if isinstance(outer, ast.For | ast.AsyncFor) and outer.iter is inner:
            return self._use_of({one.id for one in ast.walk(outer.target) if isinstance(one, ast.Name)})
        if isinstance(outer, ast.Assign | ast.AnnAssign):
            targets = outer.targets if isinstance(outer, ast.Assign) else [outer.target]
            names = {one.id for target in targets for one in ast.walk(target) if isinstance(one, ast.Name)}
            return self._use_of(names) if names else "given"
        return "given" if isinstance(outer, ast.Return | ast.Yield | ast.Tuple | ast.List | ast.Dict) else None

    def _use_of(self, names: set[str]) -> str | None:
        uses = []
        for node in self.nodes:
            if isinstance(node, ast.Call):
                called = node.func
                while isinstance(called, ast.Attribute):
                    called = called.value
                if isinstance(called, ast.Name) and called.id in names:
                    return "called"
                arguments = (*node.args, *(keyword.value for keyword in node.keywords))
                mentioned = {one.id for part in arguments for one in ast.walk(part) if isinstance(one, ast.Name)}
                uses += [_given(node)] if mentioned & names else []
            elif isinstance(node, ast.Return | ast.Yield) and node.value is not None:
                mentioned = {one.id for one in ast.walk(node.value) if isinstance(one, ast.Name)}
                uses += ["given"] if mentioned & names else []
        return "given" if "given" in uses else None

    def _computed(self, node: ast.Call, folder: Folder) -> Iterator[Evidence]:
        """A method found by a name that is made from the topic."""
        place = Place(self.scope)
        name = folder.attempt(node.args[1], place)
        if not isinstance(name, str) or name == self.without.attempt(node.args[1], place):
            return
        for base in self.resolver.refs(node.args[0], self.scope):
            if not isinstance(base, InstanceRef | ModuleRef):
                yield self._evidence("unresolved", node.lineno, "it names a member of something not followed", "name")
                continue
            for ref in self.resolver.member(base, name):
                if isinstance(ref, FunctionRef) and ref.function.name == name:
                    kind = "dropped" if is_trivial(ref.function.node) else "found"
                    how = f"{name} is called by its name"
                    yield self._evidence(kind, node.lineno, how, "name", (ref.function.file, ref.function.line))


def _does_nothing(ref: Ref) -> bool:
    """Whether a handler does nothing: a function, or a class whose own methods are all of that kind."""
    if isinstance(ref, FunctionRef):
        return is_trivial(ref.function.node)
    if not isinstance(ref, ClassRef | InstanceRef):
        return False
    own = [one for one in ref.at.node.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)]
    methods = [one for one in own if one.name not in {"__init__", "__post_init__"}]
    return bool(methods) and all(is_trivial(one) for one in methods)


def _given(call: ast.Call) -> str | None:
    return None if terminal(call) in LOG_METHODS or terminal(call) == "print" else "given"
