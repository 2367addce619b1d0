"""Whether a function heeds the provider's rate limit: it waits as an answer says, or leaves that to a library."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from dsaudit.codebase.findings import Finding
from dsaudit.codebase.flow import Flow
from dsaudit.codebase.handling import with_bases
from dsaudit.codebase.knowledge import SDKS, is_sleep
from dsaudit.codebase.model import Function
from dsaudit.codebase.nodes import arguments_of, live_block, looked_up, terminal, within
from dsaudit.codebase.reach import Reach
from dsaudit.codebase.refs import ExternalRef, FunctionRef
from dsaudit.codebase.retrying import by_adapter, by_library, by_task, found
from dsaudit.codebase.sites import Site
from dsaudit.codebase.values import fold

TOO_MANY, GOOD, REFUSED = 429, 200, 400
LIMITED = re.compile(r"RateLimit|TooMany|Throttl", re.IGNORECASE)
NAMED = re.compile(r"(HTTP_429_)?TOO_MANY(_REQUESTS)?$", re.IGNORECASE)
STATUS = re.compile(r"status|code", re.IGNORECASE)
TELLING = re.compile(r"status|code|header|limit|remaining|throttl|quota|bucket|retry", re.IGNORECASE)
FAILURES = {"HTTPStatusError", "HTTPError", "ClientResponseError", "RequestException", "Exception", "BaseException"}


def rate_limit(reach: Reach) -> Finding | None:
    """Found where 429, Retry-After or an answer's own figures make the code wait, or a library does it."""
    for search in SEARCHES:
        for finding in search(reach):
            return finding
    for site in reach.all_sites():
        for ref in reach.requests(site):
            if isinstance(ref, ExternalRef) and ref.package in SDKS:
                how = f"nothing waits after status 429 here, and whether {ref.package} does was not read"
                return Finding("unresolved", site.unit.file, site.line, how)
    return None


def _by_status(reach: Reach) -> Iterator[Finding]:
    for unit in reach.units:
        module = reach.resolver.code_module(unit)
        for node in reach.nodes(unit):
            if not isinstance(node, ast.Compare | ast.match_case) or not _is_429(node, unit, reach):
                continue
            body = node.body if isinstance(node, ast.match_case) else _branch(node, reach, unit)
            if body is not None:
                handled = _acts(body, unit, reach)
            else:
                handled = waits(unit, reach) or any(waits(caller, reach) for caller in _callers(unit, reach))
            if handled:
                line = getattr(node, "lineno", 0) or node.pattern.lineno  # type: ignore[union-attr]
                yield found(module.file, line, f"status 429 is told apart and waited for, in {reach.way(unit)}")


def _branch(node: ast.Compare, reach: Reach, unit: Function) -> list[ast.stmt] | None:
    """The statements under a condition that says it is 429; None where it says that it is not, or is no condition."""
    parents = reach.resolver.code_module(unit).parents
    positive = isinstance(node.ops[0], ast.Eq | ast.In)
    outer: ast.AST | None = node
    while isinstance(outer, ast.expr):
        positive ^= isinstance(outer, ast.UnaryOp) and isinstance(outer.op, ast.Not)
        inner, outer = outer, parents.get(outer)
    return outer.body if positive and isinstance(outer, ast.If | ast.While) and inner is outer.test else None


def _is_429(node: ast.Compare | ast.match_case, unit: Function, reach: Reach) -> bool:
    if isinstance(node, ast.match_case):
        patterns = [inner.value for inner in ast.walk(node.pattern) if isinstance(inner, ast.MatchValue)]
        return any(_means_429(pattern, unit, reach) for pattern in patterns)
    sides = [node.left, *node.comparators]
    if len(sides) != 2 or not isinstance(node.ops[0], ast.Eq | ast.NotEq | ast.In | ast.NotIn):
        return False
    for one, other in (sides, sides[::-1]):
        names = [terminal(inner) for inner in ast.walk(one) if isinstance(inner, ast.Name | ast.Attribute)]
        if any(STATUS.search(name) for name in names) and _means_429(other, unit, reach):
            return True
    return False


def _means_429(node: ast.expr, unit: Function, reach: Reach) -> bool:
    if isinstance(node, ast.Name | ast.Attribute) and NAMED.match(terminal(node)):
        return True
    if isinstance(node, ast.Tuple | ast.List | ast.Set) and any(_means_429(one, unit, reach) for one in node.elts):
        return True
    value = fold(reach.code, node, reach.scope(unit))
    return value == TOO_MANY or (isinstance(value, list | tuple | set | frozenset) and TOO_MANY in value)


def _acts(body: list[ast.stmt], unit: Function, reach: Reach) -> bool:
    """Whether a branch waits, asks again, or raises what is waited for further out."""
    module = reach.resolver.code_module(unit)
    for site in reach.sites[unit]:
        if within(site.node, body, module) and (_waiting(site, reach) or unit in reach.followed(site)):
            return True
    inner = [node for node in reach.nodes(unit) if within(node, body, module)]
    raised = {terminal(node.exc) for node in inner if isinstance(node, ast.Raise) and node.exc is not None}
    if raised and _caught_and_waited(with_bases(raised, reach.code), reach):
        return True
    onward = (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Continue)
    return any(isinstance(node, onward) for node in inner) and waits(unit, reach)


def _caught_and_waited(raised: set[str], reach: Reach) -> bool:
    for unit in reach.units:
        for node in reach.nodes(unit):
            if not isinstance(node, ast.ExceptHandler) or node.type is None:
                continue
            kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
            if raised & {terminal(kind) for kind in kinds} and _acts(node.body, unit, reach):
                return True
    return False


def _waiting(site: Site, reach: Reach) -> bool:
    return any(is_sleep(ref) for ref in site.refs) or any(waits(one, reach) for one in reach.followed(site))


def waits(unit: Function, reach: Reach, depth: int = 2) -> bool:
    """Whether a function sleeps, itself or in a helper."""
    sites = reach.sites.get(unit, ())
    if any(is_sleep(ref) for site in sites for ref in site.refs):
        return True
    if depth == 0:
        return False
    return any(waits(one, reach, depth - 1) for site in sites for one in reach.followed(site) if one is not unit)


def _callers(unit: Function, reach: Reach) -> set[Function]:
    return {site.unit for site in reach.all_sites() if unit in reach.followed(site)}


def _by_error(reach: Reach) -> Iterator[Finding]:
    """An error whose name says that it was too much, caught around the request and waited for."""
    for unit in reach.units:
        module = reach.resolver.code_module(unit)
        for node in reach.nodes(unit):
            if isinstance(node, ast.Try) and any(
                within(one.node, node.body, module) for one in reach.bearing_sites(unit)
            ):
                for handler in node.handlers:
                    named = any(LIMITED.search(terminal(one)) for one in ast.walk(handler.type or node.body[0]))
                    if handler.type is not None and named and _acts(handler.body, unit, reach):
                        how = f"{terminal(handler.type)} is caught and waited for, in {reach.way(unit)}"
                        yield found(unit.file, handler.lineno, how)


def _by_header(reach: Reach) -> Iterator[Finding]:
    for unit in reach.units:
        for node in reach.nodes(unit):
            if not isinstance(node, ast.Subscript | ast.Call) or (key := looked_up(node)) is None:
                continue
            name = fold(reach.code, key, reach.scope(unit))
            if not isinstance(name, str) or name.lower() != "retry-after":
                continue
            if waits(unit, reach) or any(waits(caller, reach, 1) for caller in _callers(unit, reach)):
                how = f"the answer's Retry-After is read and waited for, in {reach.way(unit)}"
                yield found(unit.file, node.lineno, how)


def _by_answer(reach: Reach) -> Iterator[Finding]:
    """A sleep whose length or condition comes from an answer, also from one handed to a helper."""
    given: dict[Function, set[str]] = {unit: set() for unit in reach.units}
    for _ in range(3):
        for unit in reach.units:
            if isinstance(unit.node, ast.Lambda) or not (unit in reach.bearing or given[unit]):
                continue
            flow = Flow({site.node for site in reach.bearing_sites(unit)}, forget=False)
            known = flow.run(unit.node.body, given[unit])
            for site in reach.sites[unit]:
                if any(is_sleep(ref) for ref in site.refs) and _depends(site, flow, known, reach):
                    how = f"how long it waits comes from the answer, in {reach.way(unit)}"
                    yield found(unit.file, site.line, how)
                _hand_over(site, flow, known, given)


def _depends(site: Site, flow: Flow, known: set[str], reach: Reach) -> bool:
    if isinstance(site.node, ast.Call) and flow.given_any(site.node, known):
        return True
    parents = reach.resolver.code_module(site.unit).parents
    inner, outer = site.node, parents.get(site.node)
    while outer is not None and outer is not site.unit.node:
        if isinstance(outer, ast.If | ast.While) and inner is not outer.test:
            names = [one for one in ast.walk(outer.test) if isinstance(one, ast.Name)]
            if any(flow.derived(one, known) for one in names) and _tells_of_limits(outer.test, site.unit, reach):
                return True
        inner, outer = outer, parents.get(outer)  # type: ignore[assignment]
    return False


def _tells_of_limits(test: ast.expr, unit: Function, reach: Reach) -> bool:
    """Whether a condition, or what its names were given, speaks of a status, a header or what is left to use."""
    bindings = reach.scope(unit).module.tables[unit.node].bindings
    names = [one.id for one in ast.walk(test) if isinstance(one, ast.Name)]
    given = [one.value for name in names for one in bindings.get(name, ()) if one.value is not None]
    spoken = [terminal(one) for part in (test, *given) for one in ast.walk(part)]
    return any(TELLING.search(name) for name in spoken)


def _hand_over(site: Site, flow: Flow, known: set[str], given: dict[Function, set[str]]) -> None:
    for ref in site.refs if isinstance(site.node, ast.Call) else ():
        if isinstance(ref, FunctionRef) and ref.function in given:
            for name, argument in arguments_of(site.node, ref.function, ref.bound):  # type: ignore[arg-type]
                if flow.derived(argument, known):
                    given[ref.function].add(name)


def _by_failure(reach: Reach) -> Iterator[Finding]:
    """raise_for_status inside a try in a loop, whose handler waits before the next round."""
    for unit in reach.units:
        module = reach.resolver.code_module(unit)
        loops = [node for node in reach.nodes(unit) if isinstance(node, ast.For | ast.AsyncFor | ast.While)]
        for node in reach.nodes(unit):
            if not isinstance(node, ast.Try) or not any(within(node, loop.body, module) for loop in loops):
                continue
            inside = [site for site in reach.sites[unit] if within(site.node, node.body, module)]
            checks = [site for site in inside if _checks_status(site, reach)]
            if not checks or not any(reach.bears(site) for site in inside):
                continue
            for handler in node.handlers:
                kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
                broad = any(kind is None or terminal(kind) in FAILURES for kind in kinds)
                if broad and any(
                    _waiting(site, reach) for site in reach.sites[unit] if within(site.node, handler.body, module)
                ):
                    how = f"a refused request is waited for and made again, in {reach.way(unit)}"
                    yield found(unit.file, handler.lineno, how)


def _by_success(reach: Reach) -> Iterator[Finding]:
    """A loop that is left once an answer is good, and waits before it asks for the same again."""
    for unit in reach.units:
        module = reach.resolver.code_module(unit)
        asking = [site.node for site in reach.bearing_sites(unit)]
        for loop in reach.nodes(unit):
            if not isinstance(loop, ast.For | ast.While) or not any(within(one, loop.body, module) for one in asking):
                continue
            turned = terminal(loop.target) if isinstance(loop, ast.For) else ""
            if turned and any(turned == terminal(inner) for one in asking for inner in ast.walk(one)):
                continue  # each round asks for something else
            inside = [site for site in reach.sites[unit] if within(site.node, loop.body, module)]
            pauses = [site.node for site in inside if _waiting(site, reach)]
            for test in (
                one for one in reach.nodes(unit) if isinstance(one, ast.If) and within(one, loop.body, module)
            ):
                left = any(isinstance(one, ast.Return | ast.Break) for one in live_block(test.body))
                if _is_good(test.test) and left and not all(within(one, test.body, module) for one in pauses):
                    yield found(unit.file, test.lineno, f"what is no good answer is asked again, in {reach.way(unit)}")


def _is_good(test: ast.expr) -> bool:
    """Whether a condition says that the answer is a good one."""
    if isinstance(test, ast.Compare) and len(test.ops) == 1 and STATUS.search(terminal(test.left)):
        value = getattr(test.comparators[0], "value", None)
        return (isinstance(test.ops[0], ast.Eq) and value == GOOD) or (
            isinstance(test.ops[0], ast.Lt) and value == REFUSED
        )
    return isinstance(test, ast.Attribute) and test.attr in {"ok", "is_success"}


def _checks_status(site: Site, reach: Reach) -> bool:
    if terminal(site.node) == "raise_for_status":
        return True
    followed = reach.followed(site)
    return any(terminal(inner.node) == "raise_for_status" for one in followed for inner in reach.sites.get(one, ()))


SEARCHES = (
    *(by_library, by_task, by_adapter, _by_status, _by_header),
    *(_by_answer, _by_failure, _by_error, _by_success),
)
