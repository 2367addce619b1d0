"""Reads a folder of Alembic revisions and tells which of them nothing follows."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

from dsaudit.codebase.model import Code, Module, Unresolved
from dsaudit.codebase.names import Found, in_module
from dsaudit.codebase.reader import read
from dsaudit.codebase.values import value


@dataclass(frozen=True)
class Revision:
    """One revision with the place that names it, and the revisions it follows."""

    revision: str
    follows: tuple[str, ...]
    file: str
    line: int


@dataclass(frozen=True)
class Migrations:
    """The revisions of a folder, the heads among them, and what of it could not be told."""

    revisions: tuple[Revision, ...]
    heads: tuple[Revision, ...]
    unresolved: tuple[Unresolved, ...]


def migration_heads(folder: Path, root: Path | None = None) -> Migrations:
    """The revisions that no other one follows, as `alembic heads` would list them; nothing is run.

    `folder` is the one with the revision files; places are relative to `root`, or to the folder without one.
    More than one head, a revision that follows none that exists, or one named twice shows in the result.
    Raises NotADirectoryError where the folder is none.
    """
    code = read(folder)
    prefix = f"{folder.resolve().relative_to(root.resolve()).as_posix()}/" if root else ""
    unresolved = [Unresolved(prefix + one.file, one.line, one.why) for one in code.problems if "/" not in one.file]
    revisions: list[Revision] = []
    for module in code.modules.values():
        if "/" not in module.file and _found(code, module, "revision") is not None:
            result = _revision(code, module, prefix)
            (revisions if isinstance(result, Revision) else unresolved).append(result)  # type: ignore[arg-type]
    followed = {name for one in revisions for name in one.follows}
    heads = tuple(one for one in revisions if one.revision not in followed)
    return Migrations(tuple(revisions), heads, (*unresolved, *_broken(revisions)))


def _revision(code: Code, module: Module, prefix: str) -> Revision | Unresolved:
    name, follows = value(code, module.name, "revision"), value(code, module.name, "down_revision")
    line = _line(code, module, "revision")
    if not isinstance(name, str):
        why = name.why if isinstance(name, Unresolved) else "not a text"
        return Unresolved(prefix + module.file, line, f"revision: {why}")
    several = (follows,) if isinstance(follows, str) else () if follows is None else follows
    if not isinstance(several, tuple | list) or not all(isinstance(one, str) for one in several):
        why = several.why if isinstance(several, Unresolved) else "neither a text nor a list of texts"
        return Unresolved(prefix + module.file, _line(code, module, "down_revision"), f"down_revision: {why}")
    return Revision(name, tuple(several), prefix + module.file, line)


def _found(code: Code, module: Module, name: str) -> Found | None:
    found = in_module(code, module, name)
    return found if isinstance(found, Found) else None


def _line(code: Code, module: Module, name: str) -> int:
    found = _found(code, module, name)
    assigned = [one for one in found.bindings if isinstance(one.value, ast.expr)] if found else []
    return assigned[-1].line if assigned else 1


def _broken(revisions: list[Revision]) -> list[Unresolved]:
    names = [one.revision for one in revisions]
    broken = []
    for one in revisions:
        for name in one.follows:
            if name not in names:
                broken.append(Unresolved(one.file, one.line, f"follows {name}, which is no revision of this folder"))
        if names.count(one.revision) > 1:
            broken.append(Unresolved(one.file, one.line, f"revision {one.revision} is named more than once"))
    return broken
