"""Finds a list by its name, such as SCOPES or topics, and tells each element with its place and its comment."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping

from dsaudit.codebase.expressions import Place
from dsaudit.codebase.findings import Item, Items, missing
from dsaudit.codebase.model import Code, Comment, Module, Scope, Unresolved
from dsaudit.codebase.names import Found, origin
from dsaudit.codebase.sequences import Element, Sequences

DEFINING = {"assign", "unpack", "augment", "append", "extend"}
SILENCING = re.compile(r"(noqa|type:|fmt:|pragma|pylint:|mypy:|isort:)", re.IGNORECASE)
COMMENTED_OUT = re.compile(r"""[rbf]?(["'])[^"']*\1,?$""")


def list_literal(code: Code, name: str = "SCOPES", file: str | None = None) -> Items:
    """The elements of a list at module level, in a class or local to a function.

    `name` may be dotted to choose one: `register_webhooks.topics`. A name at module level goes before one in a class,
    that before a local one; of several local ones those count that can be told. Nothing found is told in `unresolved`.
    """
    for candidates in _candidates(code, name, file):
        lists = [_elements(code, found) for found in candidates]
        known = [one for one in lists if any(not isinstance(element.value, Unresolved) for element in one)]
        local = candidates and not isinstance(candidates[0].scope.node, ast.Module | ast.ClassDef)
        chosen = known if known and local else lists
        if chosen:
            return _items(code, [element for one in chosen for element in one])
    absent = missing(code, file, f"no list named {name} is assigned")
    return Items((), (Unresolved(absent.file, absent.line, absent.evidence),))


def _candidates(code: Code, name: str, file: str | None) -> Iterator[list[Found]]:
    *outer, last = name.split(".")
    levels: tuple[list[Found], list[Found], list[Found]] = ([], [], [])
    for module in code.in_file(file):
        for node, table in module.tables.items():
            scope = Scope(module, node)  # type: ignore[arg-type]
            found = Found(scope, last, tuple(table.bindings.get(last, ())), False)
            level = 0 if isinstance(node, ast.Module) else 1 if isinstance(node, ast.ClassDef) else 2
            if _matches(scope, outer) and _defines(found):
                levels[level].append(found)
            elif level == 0 and file is not None and not outer and found.bindings:
                target = origin(code, found)
                if isinstance(target, Found) and _defines(target) and target not in levels[0]:
                    levels[0].append(target)
        levels[1].extend(_of_instances(module, outer, last))
    yield from levels


def _of_instances(module: Module, outer: list[str], name: str) -> Iterator[Found]:
    for node, attributes in module.attributes.items():
        found = attributes.get(name, [])
        if found and isinstance(node, ast.ClassDef) and _matches(Scope(module, node), outer):
            yield Found(Scope(module, found[0].scope), name, tuple(found), False)


def _matches(scope: Scope, outer: list[str]) -> bool:
    names = [getattr(node, "name", "<lambda>") for node in scope.chain]
    return names[len(names) - len(outer) :] == outer if outer else True


def _defines(found: Found) -> bool:
    return any(binding.kind in DEFINING and binding.value is not None for binding in found.bindings)


def _elements(code: Code, found: Found) -> list[Element]:
    first = found.bindings[0]
    node = ast.Name(found.name, ast.Load(), lineno=first.line, col_offset=0, end_lineno=first.line)
    sequences, place = Sequences(code), Place(found.scope)
    text = sequences.folder.attempt_name(found, node, place)
    if isinstance(text, str):  # how scopes are asked for: read_orders,read_products
        return [Element(part, found.scope.module.file, first.line, first.line) for part in re.findall(r"[^,\s]+", text)]
    return sequences.bound(found, node, place)


def _items(code: Code, elements: list[Element]) -> Items:
    comments = {module.file: module.comments for module in code.modules.values()}
    items: list[Item] = []
    unresolved: dict[Unresolved, None] = {}
    for element in elements:
        if isinstance(element.value, Unresolved):
            unresolved[element.value] = None
        else:
            comment = _comment(element, comments.get(element.file, {}))
            items.append(Item(element.value, element.file, element.line, comment))
    return Items(tuple(items), tuple(unresolved))


def _comment(element: Element, comments: Mapping[int, Comment]) -> str | None:
    for line in range(element.last_line, element.line - 1, -1):
        if line in comments and _explains(comments[line]):
            return comments[line].text
    above: list[str] = []
    line = element.line - 1
    while line in comments and comments[line].alone:
        if _explains(comments[line]):
            above.insert(0, comments[line].text)
        line -= 1
    return " ".join(above) or None


def _explains(comment: Comment) -> bool:
    return bool(comment.text) and not SILENCING.match(comment.text) and not COMMENTED_OUT.match(comment.text)
