"""Whether the code verifies the signature of what it receives: an HMAC of the raw body, compared in constant time."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from dsaudit.codebase.callers import leading
from dsaudit.codebase.callsites import call_sites, is_named, shared_resolver
from dsaudit.codebase.findings import Finding, missing
from dsaudit.codebase.flow import Flow
from dsaudit.codebase.inert import does_nothing
from dsaudit.codebase.knowledge import LOG_METHODS, is_harmless
from dsaudit.codebase.model import Code, Function, Module, Scope, Unresolved
from dsaudit.codebase.nodes import decorators_of, live, live_block, looked_up, nodes_of, scope_of, terminal
from dsaudit.codebase.origins import external_names, origin_of
from dsaudit.codebase.refs import ExternalRef, UnknownRef
from dsaudit.codebase.values import fold

MACS = {"hmac.new", "hmac.digest", "hmac.HMAC"}
COMPARISONS = {"hmac.compare_digest", "secrets.compare_digest"}
VERIFIERS = {
    "stripe.Webhook.construct_event",
    "stripe.WebhookSignature.verify_header",
    "svix.webhooks.Webhook().verify",
}
HEADER = re.compile(r"hmac|signature|(^|[-_])sig($|[-_])", re.IGNORECASE)
FARTHEST = 4
FOUND, WEAK, UNSEEN, OTHER = range(4)  # an HMAC of something else may belong to another thing than the webhooks


@dataclass(frozen=True)
class _Compared:
    """A comparison of a computed signature: where, and whether in constant time."""

    node: ast.expr
    module: Module
    constant: bool


def signature_verification(code: Code, file: str | None = None) -> Finding:
    """Found where an HMAC over the raw body is compared by compare_digest and the outcome decides what happens.

    Absent, with the place: compared by `==`, made of something else than the raw body, or an outcome that nobody
    heeds. `file` limits the search to what its functions lead to.
    """
    return code.once(("signature", file), lambda: _signature(code, file))


def _signature(code: Code, file: str | None) -> Finding:
    findings: list[tuple[int, Finding]] = []
    for function in _searched(code, file):
        findings.extend(_in_function(code, function))
        findings.extend(_by_others(code, function))
    if not findings:
        return missing(code, file, "no HMAC is computed over what is received")
    return min(findings, key=lambda ranked: ranked[0])[1]


def _searched(code: Code, file: str | None) -> list[Function]:
    if file is None:
        return list(code.functions())
    names = {module.file for module in code.in_file(file)}
    own = [function for function in code.functions() if function.file in names]
    return list(dict.fromkeys([*own, *(one for function in own for one in leading(function, code, FARTHEST))]))


def _scope(code: Code, function: Function) -> Scope:
    return Scope(shared_resolver(code).code_module(function), function.node)


def _in_function(code: Code, function: Function) -> Iterator[tuple[int, Finding]]:
    scope = _scope(code, function)
    for node in nodes_of(function, code):
        if not isinstance(node, ast.Call) or not external_names(code, node.func, scope) & MACS:
            continue
        origins = [origin_of(code, message, scope) for message in _messages(code, node, function)]
        compared = list(_comparisons(code, function, {node}))
        if "raw" in origins:
            finding = _judged(code, function, node, compared)
            yield FOUND if finding.state == "found" else WEAK, finding
        elif compared and origins and "unknown" not in origins:
            how = "the signature is computed over something made from the body, not over the raw body"
            yield OTHER, Finding("absent", function.file, node.lineno, how)
        elif compared:
            how = "what the signature is computed over is not followed"
            yield UNSEEN, Finding("unresolved", function.file, node.lineno, how)


def _messages(code: Code, node: ast.Call, function: Function) -> list[ast.expr]:
    named = [keyword.value for keyword in node.keywords if keyword.arg in {"msg", "message"}]
    parts = [*node.args[1:2], *named]
    updates = [one for one in nodes_of(function, code) if isinstance(one, ast.Call) and terminal(one) == "update"]
    flow = Flow({node}, forget=False)
    known = flow.run(function.node.body, set()) if not isinstance(function.node, ast.Lambda) else set()
    for update in updates:
        if isinstance(update.func, ast.Attribute) and flow.derived(update.func.value, known):
            parts.extend(update.args)
    return parts


def _comparisons(code: Code, function: Function, sources: set[ast.AST], depth: int = 0) -> Iterator[_Compared]:
    """Where a computed signature is compared, here or by the callers that it is given back to."""
    if depth > FARTHEST or isinstance(function.node, ast.Lambda):
        return
    scope = _scope(code, function)
    flow = Flow(sources, forget=False)
    known = flow.run(function.node.body, set())
    for node in nodes_of(function, code):
        if isinstance(node, ast.Call) and flow.given_any(node, known):
            if external_names(code, node.func, scope) & COMPARISONS:
                yield _Compared(node, scope.module, True)
        elif isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq | ast.NotEq):
            if any(flow.derived(side, known) for side in (node.left, *node.comparators)):
                yield _Compared(node, scope.module, False)
        elif isinstance(node, ast.Return) and flow.derived(node.value, known):
            for (module, call), _ in call_sites(code, function):
                caller = module.functions.get(scope_of(call, module).node)
                if caller is not None and caller != function:
                    yield from _comparisons(code, caller, {call}, depth + 1)


def _judged(code: Code, function: Function, node: ast.Call, compared: list[_Compared]) -> Finding:
    if not compared:
        return Finding("absent", function.file, node.lineno, "an HMAC is computed but compared with nothing")
    one = min(compared, key=lambda one: not one.constant)
    file, line = one.module.file, one.node.lineno
    if not _heeded(code, one.node, one.module):
        return Finding("absent", file, line, "the signature is compared, but nothing depends on the outcome")
    if not one.constant:
        return Finding("absent", file, line, "the signature is compared by ==, not in constant time")
    return Finding("found", file, line, "an HMAC of the raw body is compared in constant time")


def _heeded(code: Code, node: ast.expr, module: Module, depth: int = 0) -> bool:
    """Whether something is refused or left undone because of an outcome, here or by a caller that gets it."""
    inner: ast.AST = node
    outer = module.parents.get(node)
    while isinstance(outer, ast.UnaryOp | ast.BoolOp | ast.Await | ast.NamedExpr | ast.Compare):
        if isinstance(outer, ast.NamedExpr) and _name_heeded(code, {outer.target.id}, outer, module, depth):
            return True
        inner, outer = outer, module.parents.get(outer)
    if isinstance(outer, ast.Call) and terminal(outer) == "bool":
        return _heeded(code, outer, module, depth)
    if isinstance(outer, ast.If | ast.While | ast.IfExp) and outer.test is inner:
        return _decides(code, outer, module, depth)
    if isinstance(outer, ast.Assign | ast.AnnAssign):
        targets = outer.targets if isinstance(outer, ast.Assign) else [outer.target]
        return _name_heeded(code, {terminal(target) for target in targets}, outer, module, depth)
    if isinstance(outer, ast.Return) or (isinstance(outer, ast.Lambda) and outer.body is inner):
        return _given_back(code, outer, module, depth)
    return isinstance(outer, ast.Assert)


def _name_heeded(code: Code, names: set[str], place: ast.AST, module: Module, depth: int) -> bool:
    function = scope_of(place, module).node
    uses = [one for one in live(function) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load)]
    return depth <= FARTHEST and any(_heeded(code, one, module, depth + 1) for one in uses if one.id in names)


def _given_back(code: Code, place: ast.AST, module: Module, depth: int) -> bool:
    function = module.functions.get(scope_of(place, module).node)
    if function is None or depth > FARTHEST:
        return False
    return any(_heeded(code, call, inside, depth + 1) for (inside, call), _ in call_sites(code, function))


def _decides(code: Code, node: ast.If | ast.While | ast.IfExp, module: Module, depth: int) -> bool:
    if isinstance(node, ast.IfExp):
        return _heeded(code, node, module, depth + 1) if depth <= FARTHEST else False
    function = module.functions.get(scope_of(node, module).node)
    if function is None or not (is_named(code, function) or decorators_of(function.node)):
        return False
    branches = [*live_block(node.body), *live_block(node.orelse)]
    if any(isinstance(one, ast.Raise) for one in branches):
        return True
    returns = [one for one in branches if isinstance(one, ast.Return)]
    if returns and all(one.value is None or isinstance(one.value, ast.Constant) for one in returns):
        return bool(decorators_of(function.node)) or _given_back(code, returns[0], module, depth)
    return bool(returns) or not does_nothing([*node.body, *node.orelse])


def _by_others(code: Code, function: Function) -> Iterator[tuple[int, Finding]]:
    """Verification by a library, or by something unseen that is given the signature's header."""
    scope = _scope(code, function)
    if isinstance(function.node, ast.Lambda):
        return
    headers = {node for node in nodes_of(function, code) if _reads_signature(code, node, scope)}
    flow = Flow(headers, forget=False)
    known = flow.run(function.node.body, set())
    for node in nodes_of(function, code):
        if not isinstance(node, ast.Call) or node in headers:
            continue
        refs = shared_resolver(code).refs(node.func, scope)
        if {getattr(ref, "dotted", "") for ref in refs} & VERIFIERS:
            yield FOUND, Finding("found", function.file, node.lineno, f"{terminal(node)} of a library verifies it")
        elif headers and terminal(node) not in LOG_METHODS and flow.given_any(node, known):
            unseen = [ref for ref in refs if isinstance(ref, ExternalRef | UnknownRef) and not is_harmless(ref)]
            if unseen:
                how = f"{terminal(node)} is given the signature and was not read"
                yield UNSEEN, Finding("unresolved", function.file, node.lineno, how)


def _reads_signature(code: Code, node: ast.AST, scope: Scope) -> bool:
    key = looked_up(node) if isinstance(node, ast.Subscript | ast.Call) else None
    name = fold(code, key, scope) if key is not None else None
    return not isinstance(name, Unresolved) and isinstance(name, str) and bool(HEADER.search(name))
