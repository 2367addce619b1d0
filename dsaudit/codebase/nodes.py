"""Small questions about syntax trees that every part asks."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from dsaudit.codebase.model import Code, Function, Module, Scope

DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
SHARED = (ast.expr_context, ast.operator, ast.cmpop, ast.boolop, ast.unaryop)  # one object for the whole tree
APART = (ast.stmt, ast.ExceptHandler, ast.match_case, *SHARED)
LEAVING = (ast.Return, ast.Raise, ast.Continue, ast.Break)


def self_name(node: ast.AST, module: Module) -> str | None:
    """The name of the instance (or class) parameter of a method; None for a function or a static method."""
    chain = module.chains.get(node, ())
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or len(chain) < 2:
        return None
    if not isinstance(chain[-2], ast.ClassDef) or "staticmethod" in map(terminal, node.decorator_list):
        return None
    parameters = [*node.args.posonlyargs, *node.args.args]
    return parameters[0].arg if parameters else None


def dotted(node: ast.AST) -> str | None:
    """`a.b.c` for names and attributes of names, None for anything else."""
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else None


def parameters(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> list[ast.arg]:
    """All parameters of a function, the starred ones last."""
    arguments = node.args
    starred = [argument for argument in (arguments.vararg, arguments.kwarg) if argument]
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *starred]


def by_reference(node: ast.expr | None) -> Iterator[str]:
    """Names that may be the very object that a value is."""
    if isinstance(node, ast.Name | ast.Attribute):
        yield dotted(node) or ""
    elif isinstance(node, ast.NamedExpr):
        yield from by_reference(node.value)
        yield node.target.id
    elif isinstance(node, ast.IfExp | ast.BoolOp):
        for part in node.values if isinstance(node, ast.BoolOp) else (node.body, node.orelse):
            yield from by_reference(part)
    elif isinstance(node, ast.Subscript):
        yield from by_reference(node.value)


def held(node: ast.expr | None) -> Iterator[str]:
    """Names of objects that a display holds, and that change when something inside it is changed."""
    if isinstance(node, ast.List | ast.Tuple | ast.Set | ast.Dict):
        for part in node.values if isinstance(node, ast.Dict) else node.elts:
            yield from by_reference(part)
            yield from held(part)


def own_expressions(node: ast.AST) -> Iterator[ast.AST]:
    """The expression nodes of one statement itself: not its inner statements, nor the bodies of lambdas."""
    waiting = [node]
    while waiting:
        current = waiting.pop()
        if current is not node or isinstance(node, ast.expr):
            yield current
        if isinstance(current, DEFINITIONS):
            inner: list[ast.AST] = [*decorators_of(current), *getattr(current, "bases", ())]
            arguments = getattr(current, "args", None)
            inner += [*arguments.defaults, *filter(None, arguments.kw_defaults)] if arguments else []
            waiting.extend(inner)
            continue
        waiting.extend(child for child in ast.iter_child_nodes(current) if not isinstance(child, APART))


def live(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a function, lambda, statement or expression that can run.

    Left out: what stands after a return or under `if False`, and the bodies of functions and classes defined inside.
    """
    if isinstance(node, ast.Lambda):
        yield from own_expressions(node.body)
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield from live_block(node.body)
    elif isinstance(node, ast.stmt):
        yield from _statement(node)
    else:
        yield from own_expressions(node)


def live_block(statements: Iterable[ast.stmt]) -> Iterator[ast.AST]:
    """The same for a list of statements."""
    for statement in statements:
        yield from _statement(statement)
        if isinstance(statement, LEAVING):
            return


def _statement(node: ast.stmt) -> Iterator[ast.AST]:
    yield node
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield from own_expressions(node)
        return
    yield from own_expressions(node)
    known = constant_test(node)
    for part in ("body", "orelse", "finalbody"):
        if (known is False and part == "body") or (known is True and part == "orelse"):
            continue
        yield from live_block(getattr(node, part, ()))
    for part in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())):
        yield part
        inner = part.type if isinstance(part, ast.ExceptHandler) else part.guard
        if inner is not None:
            yield from own_expressions(inner)
        yield from live_block(part.body)


def constant_test(node: ast.AST) -> bool | None:
    """True or False where an `if` or `while` has a constant test (TYPE_CHECKING is False), else None."""
    if not isinstance(node, ast.If | ast.While):
        return None
    if isinstance(node.test, ast.Constant):
        return bool(node.test.value)
    return False if (dotted(node.test) or "").split(".")[-1] == "TYPE_CHECKING" else None


def terminal(node: ast.AST) -> str:
    """The last name of a dotted one, of a call its function's: `c` for `a.b.c` and `a().b.c(1)`, else nothing."""
    if isinstance(node, ast.Call):
        return terminal(node.func)
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def within(node: ast.AST, block: Iterable[ast.AST], module: Module) -> bool:
    """Whether a node stands inside one of these statements or expressions, or is one of them."""
    outer: ast.AST | None = node
    wanted = set(block)
    while outer is not None:
        if outer in wanted:
            return True
        outer = module.parents.get(outer)
    return False


def scope_of(node: ast.AST, module: Module) -> Scope:
    """The scope in which a node stands."""
    outer = module.parents.get(node)
    while outer is not None and not isinstance(outer, DEFINITIONS):
        outer = module.parents.get(outer)
    return Scope(module, outer if outer is not None else module.tree)


def looked_up(node: ast.Subscript | ast.Call) -> ast.expr | None:
    """The key that `x[key]`, `x.get(key)` or `x.pop(key)` looks up."""
    if isinstance(node, ast.Subscript):
        return None if isinstance(node.slice, ast.Slice) else node.slice
    looks = isinstance(node.func, ast.Attribute) and node.func.attr in {"get", "pop", "getheader", "get_header"}
    return node.args[0] if looks and node.args else None


def decorators_of(node: ast.AST) -> list[ast.expr]:
    """The decorators of a function; none for a lambda."""
    return node.decorator_list if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) else []


def arguments_of(call: ast.Call, function: Function, bound: bool) -> Iterator[tuple[str, ast.expr]]:
    """The parameters of a function with the expressions that a call gives them."""
    arguments = function.node.args
    names = [one.arg for one in (*arguments.posonlyargs, *arguments.args)][1 if bound else 0 :]
    for name, argument in zip(names, call.args, strict=False):
        if isinstance(argument, ast.Starred):
            break
        yield name, argument
    known = {one.arg for one in (*arguments.args, *arguments.kwonlyargs)}
    for keyword in call.keywords:
        if keyword.arg in known and keyword.arg is not None:
            yield keyword.arg, keyword.value


def nodes_of(function: Function, code: Code) -> tuple[ast.AST, ...]:
    """The nodes of a function that can run, worked out once."""
    return code.once(("nodes", function), lambda: tuple(live(function.node)))
