"""Where a name comes from: through scopes, imports, star imports and the modules of the code that was read."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from dsaudit.codebase.model import IN_PLACE, Binding, Code, Module, Scope

FARTHEST = 20  # imports followed from module to module before a circle is assumed


@dataclass(frozen=True)
class Found:
    """The bindings of a name in the scope that binds it; `immediate` where the use runs together with that scope."""

    scope: Scope
    name: str
    bindings: tuple[Binding, ...]
    immediate: bool


@dataclass(frozen=True)
class External:
    """A module, or something in one, that is not part of the code that was read."""

    dotted: str
    importer: Module = field(compare=False, repr=False)


def lookup(code: Code, scope: Scope, name: str) -> Found | External | None:
    """The scope that binds a name, by Python's rules; External where only an unseen star import can bring it."""
    chain, immediate = scope.chain, True
    for node in reversed(chain):
        table = scope.module.tables[node]
        if isinstance(node, ast.ClassDef) and node is not scope.node:
            continue
        if name in table.globals:
            break
        if name in table.bindings:
            return Found(Scope(scope.module, node), name, tuple(table.bindings[name]), immediate)
        immediate = immediate and isinstance(node, ast.ClassDef)
    return in_module(code, scope.module, name, immediate)


def in_module(
    code: Code, module: Module, name: str, immediate: bool = False, depth: int = 0
) -> Found | External | None:
    """A name at the top of a module, or brought there by `from x import *`."""
    table = module.tables[module.tree]
    if name in table.bindings:
        return Found(Scope(module, module.tree), name, tuple(table.bindings[name]), immediate)
    unseen = None
    for source in table.stars if depth < FARTHEST else ():
        origin = imported(code, module, source)
        found = in_module(code, origin, name, depth=depth + 1) if origin else External(f"{source}.{name}", module)
        if isinstance(found, Found):
            return found
        unseen = unseen or found
    return unseen


def origin(code: Code, found: Found, depth: int = 0) -> Found | Module | External:
    """Follows imports to where a name is defined: itself where it is no import, a module, or something unseen."""
    imports = [binding for binding in found.bindings if binding.kind == "import"]
    if not imports or len(imports) < len(found.bindings):
        return found
    if depth > FARTHEST:
        return External(found.name, found.scope.module)  # modules that import it from each other in a circle
    first: External | None = None
    for binding in imports:
        target = extend(code, found.scope.module, binding.source, binding.attribute)
        if isinstance(target, Found):
            return origin(code, target, depth + 1)
        if isinstance(target, Module):
            return target
        first = first or target
    return first or found


def extend(code: Code, importer: Module, source: str, attribute: str = "") -> Found | Module | External:
    """What `import source` or `from source import attribute` brings."""
    module = imported(code, importer, source)
    if not attribute:
        return module or External(source, importer)
    if module is not None:
        found = in_module(code, module, attribute)
        if found is not None:
            return found
    dotted = source + attribute if source.endswith(".") else f"{source}.{attribute}"
    return imported(code, importer, dotted) or External(dotted, importer)


def imported(code: Code, importer: Module, source: str) -> Module | None:
    """The module of the code that an import names; None where it is not part of the code."""
    if source.startswith("."):
        return _relative(code, importer, source)
    if source in code.modules:
        return code.modules[source]
    inside = source.removeprefix(f"{code.name}.") if code.name else source
    if inside in code.modules:
        return code.modules[inside]
    folders = importer.name.split(".")[:-1]
    for length in range(len(folders), 0, -1):
        folder = ".".join(folders[:length])
        if folder not in code.modules and f"{folder}.{source}" in code.modules:
            return code.modules[f"{folder}.{source}"]  # a folder without __init__.py that is on the import path
    return None


def changed_later(found: Found, visible: list[Binding]) -> str | None:
    """Says where an object is changed in place after the bindings that are seen, or under another name of its own."""
    table = found.scope.module.tables[found.scope.node]
    later = [one for one in found.bindings if one not in visible]
    linked = [one for name in table.linked(found.name, False) for one in table.bindings.get(name, ())]
    others = table.linked(found.name, True)
    holding = [one for name in others for one in table.bindings.get(name, ())]
    changes = [one for one in (*later, *linked) if one.kind in IN_PLACE]
    changes += [one for one in holding if one.kind == "mutate"]
    lines = [one.line for one in changes] + [line for path, line in found.scope.module.mutated if path in others]
    return f"changed in line {lines[0]}" if lines else None


def changed_elsewhere(code: Code, found: Found) -> str | None:
    """Says where a function or another module gives a name another value or changes it in place; None if nowhere."""
    module, node, name = found.scope.module, found.scope.node, found.name
    for path, line in module.mutated:
        if path == name:
            return f"changed in line {line}"
    if not isinstance(node, ast.Module | ast.ClassDef):
        return None
    for file, path, line in _changes(code).get(name, ()):
        if isinstance(node, ast.ClassDef) or path.split(".")[0] not in {"self", "cls"}:
            return f"changed in {file}:{line}"
    return None


def _changes(code: Code) -> dict[str, list[tuple[str, str, int]]]:
    """What is changed through a dotted path or under an imported name, by the name it has where it is defined."""
    known = code.memory.get("changes")
    if isinstance(known, dict):
        return known
    changes: dict[str, list[tuple[str, str, int]]] = {}
    for module in code.modules.values():
        top = module.tables[module.tree].bindings
        inside = {name: one.line for name, several in top.items() for one in several if one.kind in IN_PLACE}
        for path, line in [*module.mutated, *inside.items()]:
            imports = [one.attribute for one in top.get(path, ()) if one.kind == "import"]
            for name in [path.rsplit(".", 1)[-1]] if "." in path else imports:
                changes.setdefault(name, []).append((module.file, path, line))
    code.memory["changes"] = changes
    return changes


def _relative(code: Code, importer: Module, source: str) -> Module | None:
    rest = source.lstrip(".")
    above = len(source) - len(rest) - 1
    parts = [part for part in importer.name.split(".") if part]
    package = parts if importer.package else parts[:-1]
    if above > len(package):
        return None
    names = [*package[: len(package) - above], *filter(None, [rest])]
    return code.modules.get(".".join(names))
