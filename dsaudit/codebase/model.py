"""What is known of a folder of Python code once it has been read: plain, frozen records."""

from __future__ import annotations

import ast
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TypeVar, cast

Known = TypeVar("Known")

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
VALUED = {"assign", "unpack", "augment", "append", "extend", "setitem", "mutate"}
IN_PLACE = {"augment", "append", "extend", "setitem", "mutate"}
ScopeNode = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


@dataclass(frozen=True)
class Unresolved:
    """An expression whose value cannot be told without running the code."""

    file: str
    line: int
    why: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.why}"


@dataclass(frozen=True)
class Problem:
    """A file that could not be read or parsed."""

    file: str
    line: int
    column: int
    why: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.why}"


@dataclass(frozen=True)
class Comment:
    """One comment without its `#`; `alone` where nothing else stands on its line."""

    file: str
    line: int
    text: str
    alone: bool


@dataclass(frozen=True)
class Binding:
    """One place that gives a name a value or changes it.

    kind is one of: assign, unpack, augment, append, extend, setitem, mutate, declare, import, function, class,
    parameter, loop, with, other. `block` tells statement lists apart: bindings of one block run one after the other.
    `scope` is the node in which `value` is evaluated; `path` leads to the name's part of an unpacked value.
    An import keeps `source` (module, with its dots) and `attribute`.
    """

    kind: str
    node: ast.AST
    block: int
    scope: ScopeNode
    value: ast.expr | None = None
    annotation: ast.expr | None = None
    key: ast.expr | None = None
    path: tuple[int, ...] = ()
    source: str = ""
    attribute: str = ""

    @property
    def line(self) -> int:
        """The line on which it stands."""
        return int(getattr(self.node, "lineno", 1))

    @property
    def position(self) -> tuple[int, int]:
        """Line and column from which on it holds: after an assignment, at the head of a compound statement."""
        end = "end_" if self.kind in VALUED else ""
        return int(getattr(self.node, f"{end}lineno", 1)), int(getattr(self.node, f"{end}col_offset", 0))


@dataclass(frozen=True)
class Table:
    """The names that one scope binds, which of them may be one object or hold another, and those taken from outside."""

    bindings: dict[str, list[Binding]] = field(default_factory=dict)
    shared: dict[str, set[str]] = field(default_factory=dict)
    held: dict[str, set[str]] = field(default_factory=dict)
    globals: set[str] = field(default_factory=set)
    nonlocals: set[str] = field(default_factory=set)
    stars: list[str] = field(default_factory=list)

    def linked(self, name: str, inside: bool) -> set[str]:
        """Other names that may be the same object, with `inside` also those that may hold it or be held by it."""
        known, waiting = {name}, [name]
        while waiting:
            current = waiting.pop()
            following = self.shared.get(current, set()) | (self.held.get(current, set()) if inside else set())
            waiting.extend(following - known)
            known |= following
        return known - {name}


@dataclass(frozen=True)
class Function:
    """A function, method, nested function or lambda.

    `owner` is the class it is a method of; `chain` holds the enclosing classes and functions and, last, its own node.
    """

    name: str
    qualified: str
    module: str
    file: str
    line: int
    owner: str | None
    node: FunctionNode = field(compare=False, repr=False)
    chain: tuple[ScopeNode, ...] = field(compare=False, repr=False)


@dataclass(frozen=True)
class Class:
    """A class with its node."""

    name: str
    qualified: str
    module: str
    file: str
    line: int
    node: ast.ClassDef = field(compare=False, repr=False)


@dataclass(frozen=True)
class Module:
    """One parsed file. `file` is relative to the code's root, `name` the dotted name seen from there.

    `functions` and `classes` are found by their node, `parents` gives the node around a node, `tables` the names of a
    scope, `attributes` what methods assign to `self`, `mutated` names that functions change in place from inside.
    """

    name: str
    file: str
    package: bool
    tree: ast.Module = field(compare=False, repr=False)
    comments: Mapping[int, Comment] = field(compare=False, repr=False)
    functions: dict[ast.AST, Function] = field(compare=False, repr=False, default_factory=dict)
    classes: dict[ast.AST, Class] = field(compare=False, repr=False, default_factory=dict)
    parents: dict[ast.AST, ast.AST] = field(compare=False, repr=False, default_factory=dict)
    tables: dict[ast.AST, Table] = field(compare=False, repr=False, default_factory=dict)
    chains: dict[ast.AST, tuple[ScopeNode, ...]] = field(compare=False, repr=False, default_factory=dict)
    attributes: dict[ast.AST, dict[str, list[Binding]]] = field(compare=False, repr=False, default_factory=dict)
    mutated: list[tuple[str, int]] = field(compare=False, repr=False, default_factory=list)


@dataclass(frozen=True)
class Code:
    """A folder of code that has been read: modules by dotted name, and the files that could not be parsed.

    `name` is the folder's own name, since a folder `app` may be imported as `app` from within. `memory` keeps what was
    worked out once, so that thirteen functions with one helper do not judge it thirteen times.
    """

    modules: Mapping[str, Module]
    problems: tuple[Problem, ...]
    name: str = ""
    memory: dict[object, object] = field(compare=False, repr=False, default_factory=dict)

    def once(self, key: Hashable, make: Callable[[], Known]) -> Known:
        """What `make` gives, worked out once for this key."""
        if key not in self.memory:
            self.memory[key] = make()
        return cast(Known, self.memory[key])

    def functions(self) -> Iterator[Function]:
        """All functions, methods and nested functions; lambdas are left out."""
        for module in self.modules.values():
            yield from (function for function in module.functions.values() if function.name != "<lambda>")

    def in_file(self, file: str | None) -> list[Module]:
        """The modules whose path is, ends with or matches `file`; all for None."""
        return [module for module in self.modules.values() if file is None or same_file(module.file, file)]

    def problem_in(self, file: str | None) -> Problem | None:
        """The first file that could not be parsed among those that `file` names."""
        return next((problem for problem in self.problems if file is None or same_file(problem.file, file)), None)


def same_file(path: str, wanted: str) -> bool:
    """Whether a path from the root is the wanted one: the same, ending with it, or matching its wildcard."""
    wanted = wanted.removeprefix("./")
    return path == wanted or path.endswith("/" + wanted) or fnmatchcase(path, wanted)


@dataclass(frozen=True)
class Scope:
    """Where an expression stands: its module and the function, class or module body around it."""

    module: Module = field(repr=False)
    node: ScopeNode = field(repr=False)

    @property
    def chain(self) -> tuple[ScopeNode, ...]:
        """The enclosing scopes, outermost first, without the module."""
        return self.module.chains.get(self.node, ())
