"""Which webhook topics the code handles: what it does differently because a delivery has this topic."""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import replace

from dsaudit.codebase.classes import ClassAt, family
from dsaudit.codebase.dispatch import Dispatch, Evidence
from dsaudit.codebase.expressions import Place
from dsaudit.codebase.findings import Finding, missing
from dsaudit.codebase.inert import is_trivial
from dsaudit.codebase.model import Code, Function, Module, Scope, Unresolved
from dsaudit.codebase.nodes import decorators_of, live, nodes_of, scope_of
from dsaudit.codebase.refs import ExternalRef, FunctionRef
from dsaudit.codebase.resolve import Resolver
from dsaudit.codebase.topics import Topics
from dsaudit.codebase.values import Folder

CONDITIONS = {"condition", "resource"}
Gathered = dict[str, list[Evidence]]


def handlers(code: Code, topics: Collection[str]) -> dict[str, Finding]:
    """For each topic, whether a delivery of it is handled, and where.

    Found: a mapping's entry, a case, a condition, a decorator or a registration that leads to code which does
    something; a prefix of the topic counts. Absent: none, or code that does nothing. Unresolved: not followed.
    """
    return code.once(("handlers", *topics), lambda: _handlers(code, topics))


def _handlers(code: Code, topics: Collection[str]) -> dict[str, Finding]:
    gathered: Gathered = defaultdict(list)
    headers: list[Function] = []
    told_apart = False
    for function in code.functions():
        scope = Scope(_module(code, function), function.node)
        texts, from_header = Topics(code, function, scope, topics).texts()
        if from_header:
            headers.append(function)
        if texts:
            dispatch = Dispatch(code, function, scope, texts)
            filters = _dispatched(dispatch, topics, gathered)
            told_apart = told_apart or dispatch.tells_apart(from_header, filters)
    for module in code.modules.values():
        _declared(code, module, set(topics), gathered)
    _weighed(gathered, topics)
    told_apart = told_apart or any(one.kind == "found" for several in gathered.values() for one in several)
    passed = [one for several in gathered.values() for one in several if one.kind == "passed"]
    for topic in topics if passed and not told_apart else ():
        gathered[topic] = gathered[topic] or [replace(passed[0], kind="dropped", how="a filter stops it")]
    return {topic: _finding(code, topic, gathered[topic], told_apart, headers) for topic in topics}


def _module(code: Code, function: Function) -> Module:
    return Resolver(code).code_module(function)


def _dispatched(dispatch: Dispatch, topics: Collection[str], gathered: Gathered) -> set[int]:
    """Notes what a function does, and gives back the lines of its filters.

    A condition that most topics meet is a filter, no handling of each.
    """
    found = {topic: list(dispatch.evidence(topic)) for topic in topics}
    hits: dict[tuple[str, int], int] = defaultdict(int)
    for several in found.values():
        for place in {(one.file, one.line) for one in several if one.kind == "found" and one.by in CONDITIONS}:
            hits[place] += 1
    for topic, several in found.items():
        for one in several:
            filters = one.by in CONDITIONS and hits[one.file, one.line] > max(3, len(topics) / 2)
            gathered[topic].append(one.as_kind("passed") if filters and one.kind == "found" else one)
    return {one.at for several in found.values() for one in several if one.kind == "passed"}


def _weighed(gathered: Gathered, topics: Collection[str]) -> None:
    """Where most topics are looked up in a mapping, a condition on the resource elsewhere is no handler."""
    entries = {topic: [one for one in gathered[topic] if one.by == "entry" and one.kind == "found"] for topic in topics}
    if sum(1 for several in entries.values() if several) * 2 <= len(topics):
        return
    places = {one.where for several in entries.values() for one in several}
    for topic in topics:
        gathered[topic] = [
            one.as_kind("passed") if one.by == "resource" and one.kind == "found" and one.where not in places else one
            for one in gathered[topic]
        ]


def _declared(code: Code, module: Module, topics: set[str], gathered: Gathered) -> None:
    """Decorators that name a topic, and calls that are given a topic together with a function."""
    folder, resolver = Folder(code), Resolver(code)
    for function in module.functions.values():
        for decorator in decorators_of(function.node):
            if isinstance(decorator, ast.Call):
                arguments = [*decorator.args, *(keyword.value for keyword in decorator.keywords)]
                for topic in topics & set(_texts(arguments, folder, scope_of(decorator, module), topics)):
                    _note(gathered, topic, decorator, module, "a decorator names it", [function])
        for node in nodes_of(function, code):
            _registered(node, module, topics, folder, resolver, gathered)
    for statement in module.tree.body:
        for node in live(statement):
            _registered(node, module, topics, folder, resolver, gathered)
    for node in module.classes:
        if isinstance(node, ast.ClassDef):
            _attributed(ClassAt(module, node), topics, folder, gathered)


def _attributed(at: ClassAt, topics: set[str], folder: Folder, gathered: Gathered) -> None:
    """Notes a class whose attribute names its topics, where a base of the code has this attribute too."""
    bases = [one for one in family(folder.code, at)[1:] if isinstance(one, ClassAt)]
    methods = [one for one in at.node.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)]
    for name, bindings in at.module.tables[at.node].bindings.items() if methods else ():
        value = bindings[-1].value
        if value is None or not any(name in one.module.tables[one.node].bindings for one in bases):
            continue
        functions = [at.module.functions[one] for one in methods if not one.name.startswith("__")]
        for topic in topics & set(_texts([value], folder, Scope(at.module, at.node), topics)) if functions else ():
            _note(gathered, topic, at.node, at.module, f"class {at.node.name} is meant for it", functions)


def _registered(
    node: ast.AST, module: Module, topics: set[str], folder: Folder, resolver: Resolver, gathered: Gathered
) -> None:
    """Notes `register("orders/create", handle)` and `handlers["orders/create"] = handle`."""
    if isinstance(node, ast.Call):
        arguments = [*node.args, *(keyword.value for keyword in node.keywords)]
    elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
        arguments = [node.targets[0].slice, node.value]
    else:
        return
    callables = [one for one in arguments if isinstance(one, ast.Name | ast.Attribute | ast.Lambda)]
    if not callables or len(arguments) < 2:
        return
    scope = scope_of(node, module)
    named = topics & set(_texts(arguments, folder, scope, topics))
    if not named or (isinstance(node, ast.Call) and _is_plain(node, scope, resolver)):
        return
    refs = [ref for one in callables for ref in resolver.refs(one, scope)]
    functions = [ref.function for ref in refs if isinstance(ref, FunctionRef)]
    for topic in named if functions else ():
        _note(gathered, topic, node, module, "it is registered with a function", functions)


def _is_plain(node: ast.Call, scope: Scope, resolver: Resolver) -> bool:
    """Whether something of Python's own is called, such as map(), which registers nothing."""
    refs = resolver.refs(node.func, scope)
    return all(isinstance(ref, ExternalRef) and ref.package in {"builtins", *sys.stdlib_module_names} for ref in refs)


def _texts(arguments: list[ast.expr], folder: Folder, scope: Scope, topics: set[str]) -> Iterator[str]:
    """The topics among arguments, also in a list of them or at the end of a path."""
    for argument in arguments:
        value = folder.attempt(argument, Place(scope))
        if isinstance(value, Unresolved):
            continue
        for text in value if isinstance(value, list | tuple | set) else [value]:
            if isinstance(text, str):
                yield text
                yield from (topic for topic in topics if text.rstrip("/").endswith(f"/{topic}"))


def _note(gathered: Gathered, topic: str, node: ast.AST, module: Module, how: str, functions: list[Function]) -> None:
    kind = "dropped" if all(is_trivial(function.node) for function in functions) else "found"
    gathered[topic].append(Evidence(kind, module.file, int(getattr(node, "lineno", 1)), how, "", "declared", 0))


def _finding(code: Code, topic: str, evidence: list[Evidence], told_apart: bool, headers: list[Function]) -> Finding:
    dropped = [one for one in evidence if one.kind == "dropped"]
    for one in evidence:
        earlier = any(drop.where == one.where and drop.at < one.at for drop in dropped)
        if one.kind == "found" and not earlier:
            return Finding("found", one.file, one.line, one.how)
    for one in dropped:
        return Finding("absent", one.file, one.line, f"{one.how}, and nothing is done with it")
    for one in evidence:
        if one.kind == "rest":
            return Finding("found", one.file, one.line, one.how)
        if one.kind == "passed" and not told_apart:
            return Finding("found", one.file, one.line, f"{one.how}; topics are not told apart after that")
    for one in evidence:
        if one.kind == "unresolved":
            return Finding("unresolved", one.file, one.line, one.how)
    if headers and not told_apart:
        first = headers[0]
        return Finding("unresolved", first.file, first.line, f"{first.name} reads the topic and does not tell it apart")
    nothing = missing(code, None, f"nothing is done for {topic}")
    if told_apart or nothing.state == "unresolved":
        return nothing
    return Finding("unresolved", nothing.file, nothing.line, "no function was found that tells topics apart")
