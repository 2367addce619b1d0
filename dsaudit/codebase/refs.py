"""What an expression can lead to without running the code: functions, classes, instances, or something unseen."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from dsaudit.codebase.classes import ClassAt
from dsaudit.codebase.model import Function, Module

LONGEST = 120  # letters of a path; a longer one comes from names that are made of each other
LITERALS = {ast.Dict: "dict", ast.List: "list", ast.Set: "set", ast.Tuple: "tuple", ast.JoinedStr: "str"}


@dataclass(frozen=True)
class FunctionRef:
    """A function of the code; `bound` where its first parameter is given by the instance."""

    function: Function
    bound: bool = False


@dataclass(frozen=True)
class ClassRef:
    """A class of the code."""

    at: ClassAt


@dataclass(frozen=True)
class InstanceRef:
    """An instance of a class of the code."""

    at: ClassAt


@dataclass(frozen=True)
class ModuleRef:
    """A module of the code."""

    module: Module


@dataclass(frozen=True)
class ExternalRef:
    """Something of a package that was not read, such as `httpx.AsyncClient().get`; `()` stands for a call's result."""

    dotted: str

    @property
    def package(self) -> str:
        """The name that is installed and imported."""
        return self.dotted.split(".")[0].removesuffix("()")

    @property
    def last(self) -> str:
        """The last name."""
        return self.dotted.rsplit(".", 1)[-1].removesuffix("()")


@dataclass(frozen=True)
class UnknownRef:
    """Something only running the code tells; `path` is how the code names it."""

    path: str
    why: str

    @property
    def last(self) -> str:
        """The last name."""
        return self.path.rsplit(".", 1)[-1]


Ref = FunctionRef | ClassRef | InstanceRef | ModuleRef | ExternalRef | UnknownRef
Refs = tuple[Ref, ...]


def called(ref: Ref) -> Ref:
    """The result of calling something that was not read."""
    if len(_path(ref)) > LONGEST:
        return UnknownRef("", "too many steps away")
    if isinstance(ref, ExternalRef):
        return ExternalRef(f"{ref.dotted}()")
    return UnknownRef(f"{getattr(ref, 'path', '')}()", "the result of a call that was not followed")


def _path(ref: Ref) -> str:
    return ref.dotted if isinstance(ref, ExternalRef) else ref.path if isinstance(ref, UnknownRef) else ""


def member_of(ref: Ref, name: str) -> Ref:
    """An attribute of something that was not read."""
    if len(_path(ref)) > LONGEST:
        return UnknownRef("", "too many steps away")
    if isinstance(ref, ExternalRef):
        return ExternalRef(f"{ref.dotted}.{name}")
    path = ref.path if isinstance(ref, UnknownRef) else ""
    return UnknownRef(f"{path}.{name}", "an attribute that was not followed")


def literal(node: ast.expr) -> Ref:
    """The class of a constant, a display or the result of an operator."""
    if isinstance(node, ast.Constant):
        return ExternalRef(f"builtins.{type(node.value).__name__}()")
    return ExternalRef(f"builtins.{LITERALS.get(type(node), 'object')}()")
