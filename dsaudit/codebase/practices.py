"""Finds the sync functions, and judges of each whether it pages, heeds the rate limit, handles errors and logs."""

from __future__ import annotations

import ast
from collections.abc import Callable
from fnmatch import fnmatchcase

from dsaudit.codebase.delegation import delegated
from dsaudit.codebase.errors import errors
from dsaudit.codebase.findings import Finding, Practices
from dsaudit.codebase.limits import rate_limit
from dsaudit.codebase.logs import logging
from dsaudit.codebase.model import Binding, Code, Function, Module, Table
from dsaudit.codebase.pagination import pagination
from dsaudit.codebase.reach import Reach, reach
from dsaudit.codebase.stubs import is_stub

SYNC = "fetch_and_ingest_*"


def functions(code: Code, pattern: str = SYNC, file: str | None = None) -> list[Function]:
    """The functions whose name matches, by file and line; what is only declared or defined again later is left out.

    A name that is assigned a callable (`fetch_and_ingest_x = partial(...)`) counts, with that expression as its body.
    """
    found = []
    for module in code.in_file(file):
        for node, table in list(module.tables.items()):
            for name, bindings in table.bindings.items():
                if fnmatchcase(name, pattern) and not isinstance(node, ast.Lambda):
                    function = _function(name, bindings[-1], module, code)
                    if function is not None and not is_stub(function):
                        found.append(function)
    return sorted(found, key=lambda function: (function.file, function.line))


def _function(name: str, binding: Binding, module: Module, code: Code) -> Function | None:
    if binding.kind == "function":
        return module.functions[binding.node]
    if binding.kind != "assign" or not isinstance(binding.value, ast.Call | ast.Lambda):
        return None
    value = binding.value
    return code.once(("assigned", binding.node), lambda: _assigned(name, binding, value, module))


def _assigned(name: str, binding: Binding, value: ast.Call | ast.Lambda, module: Module) -> Function:
    chain = module.chains[binding.scope]
    node = value if isinstance(value, ast.Lambda) else ast.Lambda(args=_no_arguments(), body=value)
    module.chains.setdefault(node, (*chain, node))
    module.tables.setdefault(node, Table())
    owner = ".".join(getattr(one, "name", "") for one in chain) or None
    qualified = ".".join([*filter(None, [owner]), name])
    return Function(name, qualified, module.name, module.file, binding.line, owner, node, (*chain, node))


def _no_arguments() -> ast.arguments:
    return ast.arguments(posonlyargs=[], args=[], kwonlyargs=[], kw_defaults=[], defaults=[])


def practices(code: Code, function: Function, pattern: str = SYNC) -> Practices:
    """The four findings for a function and all that runs with it; other functions of the pattern are judged apart."""
    return code.once(("practices", function, pattern), lambda: _practices(code, function, pattern))


def _practices(code: Code, function: Function, pattern: str) -> Practices:
    alike = functions(code, pattern)
    function = next((one for one in alike if one == function), function)  # it may come from an earlier reading
    others = set(alike) - {function}
    result = reach(code, function, others.__contains__)
    if not result.bearing and others:
        result = reach(code, function)  # all it does is call another of them
    return Practices(
        _judged(pagination, result, "no request is repeated with what its answer says"),
        _judged(rate_limit, result, "nothing waits after status 429 or as Retry-After says"),
        _judged(errors, result, "no try around the request or the ingest, nor a caller that handles errors"),
        _judged(logging, result, "no call on a logger"),
    )


def _judged(judge: Callable[[Reach], Finding | None], result: Reach, absence: str) -> Finding:
    finding = judge(result)
    if finding is not None:
        return finding
    root = result.root
    elsewhere = delegated(result)
    if elsewhere is not None:
        site, why = elsewhere
        return Finding("unresolved", site.unit.file, site.line, f"{absence}; but {why}")
    if not result.bearing:
        absence = f"{absence}: no request is made here"
    return Finding("absent", root.file, root.line, absence)
