"""Whether the code verifies the signature of what it receives: an HMAC of the raw body, compared in constant time."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from dsaudit.codebase.callers import leading
from dsaudit.codebase.callsites import call_sites, is_named, shared_resolver
from dsaudit.codebase.classes import ClassAt, family
from dsaudit.codebase.findings import Finding, missing
from dsaudit.codebase.flow import Flow
from dsaudit.codebase.handling import is_broad
from dsaudit.codebase.inert import does_nothing
from dsaudit.codebase.knowledge import LOG_METHODS, is_harmless
from dsaudit.codebase.mentions import mentions
from dsaudit.codebase.model import Code, Function, Module, Scope, Unresolved
from dsaudit.codebase.nodes import LEAVING, decorators_of, live, live_block, looked_up, nodes_of, scope_of, terminal
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
REFUSALS = {"SignatureVerificationError", "WebhookVerificationError"}
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
    called = call_sites(code, function)
    if not called and _framework_calls(code, function, module):
        return True
    return any(_heeded(code, call, inside, depth + 1) for (inside, call), _ in called)


def _framework_calls(code: Code, function: Function, module: Module) -> bool:
    """Whether a framework calls a method: its class is used, and has an unseen base or is one that is called itself."""
    node = function.chain[-2] if len(function.chain) > 1 else None
    if not isinstance(node, ast.ClassDef) or not _is_used(code, node.name):
        return False
    unseen = any(not isinstance(parent, ClassAt) for parent in family(code, ClassAt(module, node)))
    return unseen or function.name == "__call__"


def _is_used(code: Code, name: str) -> bool:
    """Whether something is done with a class: with its only instance's name, or by settings that name it in a text."""
    for module, mention in mentions(code).get(name, ()):
        call = module.parents.get(mention)
        made = module.parents.get(call) if isinstance(call, ast.Call) else None
        if not isinstance(made, ast.Assign) or any(mentions(code).get(terminal(one)) for one in made.targets):
            return True
    texts = (one for module in code.modules.values() for one in ast.walk(module.tree) if isinstance(one, ast.Constant))
    return any(isinstance(one.value, str) and one.value.endswith(f".{name}") for one in texts)


def _decides(code: Code, node: ast.If | ast.While | ast.IfExp, module: Module, depth: int) -> bool:
    if isinstance(node, ast.IfExp):
        return _heeded(code, node, module, depth + 1) if depth <= FARTHEST else False
    function = module.functions.get(scope_of(node, module).node)
    if function is None:
        return False
    if not (is_named(code, function) or decorators_of(function.node) or _framework_calls(code, function, module)):
        return False
    branches = [*live_block(node.body), *live_block(node.orelse)]
    raised = {terminal(one.exc) for one in branches if isinstance(one, ast.Raise) and one.exc is not None}
    if raised:
        called = [place for place, _ in call_sites(code, function)]
        return not called or not all(_goes_on(call, inside, raised) for inside, call in called)
    returns = [one for one in branches if isinstance(one, ast.Return)]
    if returns and all(one.value is None or isinstance(one.value, ast.Constant) for one in returns):
        return bool(decorators_of(function.node)) or _given_back(code, returns[0], module, depth)
    return bool(returns) or not does_nothing([*node.body, *node.orelse])


def _goes_on(node: ast.AST, module: Module, raised: set[str]) -> bool:
    """Whether the code after a call runs although the call raised: its error is caught, and nothing leaves."""
    inner, outer = node, module.parents.get(node)
    while outer is not None and not isinstance(outer, ast.FunctionDef | ast.AsyncFunctionDef):
        if isinstance(outer, ast.Try) and inner in outer.body:
            for handler in outer.handlers:
                if is_broad(handler.type) or raised & {terminal(one) for one in ast.walk(handler.type or outer)}:
                    return not any(isinstance(one, LEAVING) for one in live_block(handler.body))
        inner, outer = outer, module.parents.get(outer)
    return False


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
            if _goes_on(node, scope.module, REFUSALS):
                how = f"{terminal(node)} of a library verifies it, but what it refuses is passed on"
                yield WEAK, Finding("absent", function.file, node.lineno, how)
                continue
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
