"""Whether a function reads a list to its end: a request repeated with what its own answer says."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

from dsaudit.codebase.findings import Finding
from dsaudit.codebase.flow import Flow, holds
from dsaudit.codebase.knowledge import PAGING_BY_ITSELF, is_logger_call, is_sleep
from dsaudit.codebase.model import Function, Module
from dsaudit.codebase.nodes import arguments_of, terminal, within
from dsaudit.codebase.reach import Reach
from dsaudit.codebase.refs import FunctionRef
from dsaudit.codebase.sites import Site

Loop = ast.For | ast.AsyncFor | ast.While
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def pagination(reach: Reach) -> Finding | None:
    """Found where a loop or recursion repeats a request with a cursor, link, page number or offset from its answer.

    Absent where only what belongs to the elements of an unpaged list is paged; None where there is nothing of it.
    """
    for site in reach.all_sites():
        if site.kind == "call" and terminal(site.node) in PAGING_BY_ITSELF and not reach.followed(site):
            how = f"{terminal(site.node)} of a library reads all pages, in {reach.way(site.unit)}"
            return Finding("found", site.unit.file, site.line, how)
    paged: dict[Function, Finding] = {}
    for unit in reach.units:
        finding = _in_loops(unit, reach) or _by_recursion(unit, reach) or _by_state(unit, reach)
        if finding is not None:
            paged[unit] = finding
    return (_driven_by_one_page(reach, set(paged)) or next(iter(paged.values()))) if paged else None


def _found(site: Site, line: int, reach: Reach, how: str) -> Finding:
    name = terminal(site.node) or "the request"
    return Finding("found", site.unit.file, line, f"{name} is repeated {how}, in {reach.way(site.unit)}")


def _in_loops(unit: Function, reach: Reach) -> Finding | None:
    module = reach.resolver.code_module(unit)
    sites = [site for site in reach.bearing_sites(unit) if isinstance(site.node, ast.Call)]
    loops = [node for node in reach.nodes(unit) if isinstance(node, Loop)] if sites else []
    for site in sites:
        for loop in loops:
            if _inside(site.node, loop, module) and (how := _repeated(site, loop, reach)):
                return _found(site, loop.lineno, reach, how)
        if (line := _counted_comprehension(site, reach, module)) is not None:
            return _found(site, line, reach, "for each page, as its answers say")
    return None


def _inside(node: ast.AST, loop: Loop, module: Module) -> bool:
    test = [loop.test] if isinstance(loop, ast.While) else []
    return within(node, [*loop.body, *test], module)


def _repeated(site: Site, loop: Loop, reach: Reach) -> str | None:
    flow = Flow({site.node}, quiet=_quiet(site.unit, reach))
    known: set[str] = set()
    for _ in range(3):
        known = _round(flow, loop, known)
    if site.node in flow.asked and flow.used:
        return "in a loop with what its answer says"
    leaves = flow.ends or (isinstance(loop, ast.While) and flow.derived(loop.test, known))
    for counter in _counters(loop, reach, site.unit):
        if not _asks_with(site, loop, counter):
            continue
        if leaves and flow.used:
            return "in a loop with a counter until its answer ends it"
        if isinstance(loop, ast.For) and flow.used and _counted_by_answer(loop.iter, site.unit, reach):
            return "in a loop over the pages that an answer counted"
    return None


def _round(flow: Flow, loop: Loop, known: set[str]) -> set[str]:
    known = set(known)
    if isinstance(loop, ast.While):
        flow.derived(loop.test, known)
    else:
        flow.bind(loop.target, False, known)
    return flow.run(loop.body, known)


def _quiet(unit: Function, reach: Reach) -> Callable[[ast.Call], bool]:
    """Tells calls that log or wait: what they are given is not made use of."""
    quiet = {
        site.node
        for site in reach.sites[unit]
        if any(is_logger_call(ref) or is_sleep(ref) for ref in site.refs) or terminal(site.node) == "raise_for_status"
    }
    return lambda call: call in quiet


def _counters(loop: Loop, reach: Reach, unit: Function) -> Iterator[str]:
    if isinstance(loop, ast.For) and isinstance(loop.target, ast.Name) and _is_range(loop.iter, unit, reach):
        yield loop.target.id
    for node in ast.walk(loop):
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name) and isinstance(node.op, ast.Add):
            yield node.target.id
        elif isinstance(node, ast.Assign | ast.NamedExpr) and isinstance(node.value, ast.BinOp):
            name = terminal(node.target if isinstance(node, ast.NamedExpr) else node.targets[0])
            if any(holds(inner, {name}) for inner in (node.value.left, node.value.right)):
                yield name


def _is_range(node: ast.expr, unit: Function, reach: Reach) -> bool:
    if not isinstance(node, ast.Call):
        return False
    refs = reach.resolver.refs(node.func, reach.scope(unit))
    return any(getattr(ref, "dotted", "") in {"builtins.range", "itertools.count"} for ref in refs)


def _asks_with(site: Site, loop: Loop, counter: str) -> bool:
    flow = Flow((), watched={site.node}, forget=False)
    known = flow.run(loop.body, {counter})
    flow.run(loop.body, known)
    if isinstance(loop, ast.While):
        flow.derived(loop.test, known)
    return site.node in flow.asked


def _counted_by_answer(node: ast.expr, unit: Function, reach: Reach) -> bool:
    if not _is_range(node, unit, reach) or isinstance(unit.node, ast.Lambda):
        return False
    flow = Flow({site.node for site in reach.bearing_sites(unit)}, forget=False)
    return flow.derived(node, flow.run(unit.node.body, set()))


def _counted_comprehension(site: Site, reach: Reach, module: Module) -> int | None:
    if isinstance(site.node, ast.Call) and terminal(site.node) == "map":
        ended = terminal(module.parents.get(site.node, site.node)) == "takewhile"
        over = [one for one in site.node.args[1:] if _is_range(one, site.unit, reach)]
        return site.line if any(ended or _counted_by_answer(one, site.unit, reach) for one in over) else None
    outer: ast.AST | None = site.node
    while outer is not None and not isinstance(outer, ast.stmt):
        if isinstance(outer, COMPREHENSIONS):
            for generator in outer.generators:
                names = {terminal(generator.target)}
                flow = Flow((), watched={site.node})
                flow.derived(outer, names)
                if site.node in flow.asked and _counted_by_answer(generator.iter, site.unit, reach):
                    return outer.lineno
        outer = module.parents.get(outer)
    return None


def _by_recursion(unit: Function, reach: Reach) -> Finding | None:
    if isinstance(unit.node, ast.Lambda):
        return None
    sites = [site for site in reach.bearing_sites(unit) if isinstance(site.node, ast.Call)]
    again = [site for site in sites if _comes_back(site, unit, reach)]
    others = {site.node for site in sites if site not in again}
    for site in again if others else ():
        flow = Flow(others, watched={site.node})
        known = flow.run(unit.node.body, set())
        if site.node not in flow.asked or _for_each(site, flow, known, reach):
            continue
        if unit in reach.followed(site) or _hands_back(site, flow, known, unit, reach):
            return _found(site, site.line, reach, "by recursion with what an answer says")
    return None


def _comes_back(site: Site, unit: Function, reach: Reach) -> bool:
    targets = reach.followed(site)
    return unit in targets or any(unit in reach.followed(one) for to in targets for one in reach.sites.get(to, ()))


def _for_each(site: Site, flow: Flow, known: set[str], reach: Reach) -> bool:
    """Whether the call is made for each element of an answer: a walk down a tree, not along pages."""
    module = reach.resolver.code_module(site.unit)
    loops = [node for node in reach.nodes(site.unit) if isinstance(node, ast.For | ast.AsyncFor)]
    return any(_inside(site.node, loop, module) and flow.derived(loop.iter, known) for loop in loops)


def _hands_back(site: Site, flow: Flow, known: set[str], unit: Function, reach: Reach) -> bool:
    """Whether a function between calls the first one again with what it was given of an answer."""
    for ref in site.refs:
        if not isinstance(ref, FunctionRef) or isinstance(ref.function.node, ast.Lambda):
            continue
        arguments = arguments_of(site.node, ref.function, ref.bound)  # type: ignore[arg-type]
        names = {name for name, argument in arguments if flow.derived(argument, known)}
        back = {one.node for one in reach.sites.get(ref.function, ()) if unit in reach.followed(one)}
        inner = Flow((), watched=back)
        inner.run(ref.function.node.body, names)
        if inner.asked:
            return True
    return False


def _by_state(unit: Function, reach: Reach) -> Finding | None:
    """A method that asks with an attribute and sets it from the answer, called in a loop or as an iterator's next."""
    if isinstance(unit.node, ast.Lambda):
        return None
    sites = [site for site in reach.bearing_sites(unit) if isinstance(site.node, ast.Call)]
    for site in sites:
        flow = Flow({site.node})
        known = {name for name in flow.run(unit.node.body, set()) if name.startswith("self.")}
        flow.run(unit.node.body, known)
        if site.node in flow.asked and (unit.name in {"__next__", "__anext__"} or _called_in_loop(unit, reach)):
            return _found(site, site.line, reach, "with what its last answer left in the object")
    return None


def _called_in_loop(unit: Function, reach: Reach) -> bool:
    for site in reach.all_sites():
        if unit in reach.followed(site):
            module = reach.resolver.code_module(site.unit)
            loops = [node for node in reach.nodes(site.unit) if isinstance(node, Loop)]
            if any(_inside(site.node, loop, module) for loop in loops):
                return True
    return False


def _driven_by_one_page(reach: Reach, paged: set[Function]) -> Finding | None:
    """Pages read only for each element of a list that itself was asked for once: the list ends with its first page."""
    root = reach.root
    if root in paged or isinstance(root.node, ast.Lambda):
        return None
    module = reach.resolver.code_module(root)
    sites = [site for site in reach.bearing_sites(root) if isinstance(site.node, ast.Call)]
    paging = [site for site in sites if _leads_to(site, paged, reach)]
    once = {site.node: site for site in sites if site not in paging}
    loops = [node for node in reach.nodes(root) if isinstance(node, ast.For)]
    for single in once.values() if paging else ():
        flow = Flow({single.node}, forget=False, opaque={site.node for site in paging})
        known = flow.run(root.node.body, set())
        driven = [loop for loop in loops if flow.derived(loop.iter, known)]
        if all(any(_inside(site.node, loop, module) for loop in driven) for site in paging):
            evidence = f"the list that {terminal(single.node)} asks for is read once; only what belongs to it is paged"
            return Finding("absent", root.file, single.line, evidence)
    return None


def _leads_to(site: Site, paged: set[Function], reach: Reach) -> bool:
    waiting, seen = reach.followed(site), set[Function]()
    while waiting:
        function = waiting.pop()
        if function in paged:
            return True
        if function not in seen:
            seen.add(function)
            waiting.extend(inner for one in reach.sites.get(function, ()) for inner in reach.followed(one))
    return False
