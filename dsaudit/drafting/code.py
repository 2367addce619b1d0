"""What the integration's code says of itself: lists of scopes and topics, sync functions, paths, migrations."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dsaudit import codebase, monitoring, naming
from dsaudit.catalogue import Provider
from dsaudit.codebase.model import Code, Function, Module
from dsaudit.drafting.system import SCOPE
from dsaudit.own_tests import files

_VERBS = "fetch|sync|pull|import|ingest|load|backfill|get|list|extract|download|poll|read"
_TOPIC = re.compile(r"[A-Za-z][\w-]*([/.:][\w-]+)+")
_PATH = re.compile(r"/?[a-z][\w-]*(/[\w{}-]+)*(\.json)?")
_LISTS = ast.List | ast.Tuple | ast.Set | ast.Call | ast.BinOp


@dataclass
class Told:
    """What the code tells; empty where there is no code."""

    code: Code | None = None
    folder: Path | None = None
    scopes: tuple[str, list[str]] | None = None  # the list's name, and what it holds
    topics: tuple[str, list[str]] | None = None
    pattern: str | None = None  # of the sync functions' names
    functions: dict[str, Function] = field(default_factory=dict)  # by what follows the verb, in the singular
    scheduled: dict[str, str] = field(default_factory=dict)  # the task that a schedule begins, by its resource
    migrations: str | None = None
    verification_script: str | None = None
    texts: set[str] = field(default_factory=set)  # all plain texts
    remarks: dict[str, str] = field(default_factory=dict)  # what stands beside a scope in the code

    @property
    def version(self) -> str | None:
        """The API's version, where a constant is called so."""
        for module in self.code.modules.values() if self.code else ():
            for node in module.tree.body:
                if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
                    names = [one.id for one in node.targets if isinstance(one, ast.Name)]
                    if any("VERSION" in name.upper() for name in names) and isinstance(node.value.value, str):
                        return node.value.value
        return None


def read(folder: Path, provider: Provider, resources: Collection[str], types: Iterable[str]) -> Told:
    """Read the code below `folder`; `resources` are the names by which its functions are recognised."""
    code = codebase.read(folder)
    told = Told(code, folder)
    told.texts = {text for module in code.modules.values() for text in _texts(module.tree)}
    known_scopes = {scope for one in provider.resources.values() for scope in one.scope}
    known_topics = {name for one in provider.topics.values() for topic in one.all for name in provider.written(topic)}
    told.scopes = _list_of(code, "scope", lambda one: one in known_scopes or bool(re.fullmatch(SCOPE, one)))
    told.topics = _list_of(code, "topic", lambda one: one in known_topics or bool(_TOPIC.fullmatch(one)))
    if told.scopes:
        items = codebase.list_literal(code, told.scopes[0]).items
        told.remarks = {str(item.value): item.comment for item in items if item.comment}
    _find_functions(told, {naming.one(name) for name in (*resources, *types)})
    told.migrations = _migrations(code)
    told.verification_script = _script(code)
    return told


def _list_of(code: Code, called: str, is_one: Callable[[str], bool]) -> tuple[str, list[str]] | None:
    """Return the list in the code whose members all are such texts; among several the one that is called so."""
    names = {
        name
        for module in code.modules.values()
        for node, table in module.tables.items()
        for name, bindings in table.bindings.items()
        if isinstance(node, ast.Module | ast.ClassDef)
        and any(isinstance(one.value, _LISTS) and one.kind == "assign" for one in bindings)
    }
    found: list[tuple[bool, int, str, list[str]]] = []
    for name in sorted(names):
        values = [value for value in codebase.list_literal(code, name).values if isinstance(value, str)]
        if len(values) > 1 and all(map(is_one, values)):
            found.append((called in name.lower(), len(values), name, values))
    best = max(found, default=None, key=lambda one: one[:2])
    return (best[2], best[3]) if best else None


def _find_functions(told: Told, resources: Collection[str]) -> None:
    assert told.code is not None
    counts: Counter[str] = Counter()
    functions = {function.name: function for function in told.code.functions()}
    for name in functions:
        for resource in resources:
            for ending in (naming.plural(resource), resource):
                head = name.removesuffix(f"_{ending}")
                if head != name and re.match(rf"_?({_VERBS})(_|$)", head):
                    counts[f"{head}_"] += 1
    # The longest of the endings names the resource: draft_orders is no orders with the verb fetch_draft.
    best = max(counts, key=lambda head: (counts[head], -len(head)), default=None)
    if best:
        told.pattern = f"{best}*"
        told.functions = {
            naming.one(name.removeprefix(best)): function
            for name, function in functions.items()
            if name.startswith(best)
        }


def sync_of(told: Told, name: str, raw_type: str | None) -> tuple[str | None, str | None]:
    """Return the name of the function that reads a resource, and why that is a guess."""
    if name in told.functions:
        return told.functions[name].name, None
    for function in told.functions.values():
        if raw_type and raw_type in set(_texts(function.node)):
            return function.name, f"it names the type {raw_type!r}"
    return told.scheduled.get(name), "the code's schedule begins it" if name in told.scheduled else None


def path_of(told: Told, name: str, function: str, known: str | None) -> str | None:
    """Return the API's path that a sync function asks for, with the filters given beside it."""
    node = next((one.node for one in told.functions.values() if one.name == function), None)
    if node is None:
        return None
    bare = known.partition("?")[0].removesuffix(".json") if known else None
    texts = [text for text in _texts(node) if _PATH.fullmatch(text) and text != name]  # the type is no path
    ends = (bare, *(text for text in texts if naming.one(text.rpartition("/")[2].removesuffix(".json")) == name))
    path = next(
        (text for text in ends if text and text.removesuffix(".json") in {t.removesuffix(".json") for t in texts}), None
    )
    if path is None:
        return None
    filters = [f"{one}={value}" for one, value in _filters(node, path)]
    return path + (f"?{'&'.join(filters)}" if filters else "")


def _filters(node: ast.AST, path: str) -> Iterator[tuple[str, str]]:
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and any(isinstance(one, ast.Constant) and one.value == path for one in call.args):
            for keyword in call.keywords:
                if keyword.arg and isinstance(keyword.value, ast.Constant) and isinstance(keyword.value.value, str):
                    yield keyword.arg, keyword.value.value


def has_account_in_path(told: Told, prefix: str) -> bool:
    """Return whether the code puts an account between the address and the API's own path."""
    root = prefix.split("{")[0].strip("/")
    for module in told.code.modules.values() if told.code and root else ():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.JoinedStr):
                text = "".join(str(one.value) if isinstance(one, ast.Constant) else "\0" for one in node.values)
                if re.match(rf"\0/\0/{re.escape(root)}", text):
                    return True
    return False


def asks_counts(told: Told) -> bool:
    """Return whether the code itself asks the provider for counts, beside its lists."""
    return any(text.endswith("/count.json") for text in told.texts)


def variables(told: Told) -> list[str]:
    """Return the environment variables that the code reads, by name."""
    return variables_of(module.tree for module in told.code.modules.values()) if told.code else []


def variables_of(trees: Iterable[ast.AST]) -> list[str]:
    """Return the environment variables that parts of the code read, by name."""
    keys = (_variable(node) for tree in trees for node in ast.walk(tree))
    return sorted({key.value for key in keys if isinstance(key, ast.Constant) and isinstance(key.value, str)})


def _variable(node: ast.AST) -> ast.expr | None:
    """Return the name that an expression looks up in the environment, None where it does not."""
    if isinstance(node, ast.Subscript):
        return node.slice if ast.unparse(node.value) in ("os.environ", "environ") else None
    if isinstance(node, ast.Call) and node.args and ast.unparse(node.func) in _LOOKUPS:
        return node.args[0]
    return None


_LOOKUPS = ("os.getenv", "getenv", "os.environ.get", "environ.get")


def _texts(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _migrations(code: Code) -> str | None:
    folders = Counter(_folder(module) for module in code.modules.values() if _assigns(module, "down_revision"))
    return folders.most_common(1)[0][0] if folders else None


def _folder(module: Module) -> str:
    return module.file.rpartition("/")[0] or "."


def _assigns(module: Module, name: str) -> bool:
    table: Mapping[str, object] = module.tables[module.tree].bindings if module.tree in module.tables else {}
    return name in table


def _script(code: Code) -> str | None:
    files = [module.file for module in code.modules.values()]
    named = [file for file in files if re.search(r"verif|integrity|consistency|reconcil", file.rpartition("/")[2])]
    return min(named, key=len, default=None)


def alert_rules(folder: Path) -> list[Path]:
    """Return the files below the code that hold alert rules; hidden folders and those of others' code are left out."""
    found = (path for ending in ("yml", "yaml") for path in folder.rglob(f"*.{ending}"))
    return sorted(path for path in found if not _is_foreign(path.relative_to(folder)) and monitoring.has_alerts(path))


def test_results(folder: Path) -> dict[str, list[Path]]:
    """Return the files below the code that tests have left, as the section `own_tests` calls them."""
    found: dict[str, list[Path]] = {}
    for path in sorted(path for ending in ("xml", "json", "info", "lcov") for path in folder.rglob(f"*.{ending}")):
        if not _is_foreign(path.relative_to(folder)) and (kind := files.kind(path)):
            found.setdefault(kind, []).append(path)
    return {kind: found[kind] for kind in ("junit", "coverage") if kind in found}


def _is_foreign(path: Path) -> bool:
    return any(part.startswith(".") or part in codebase.SKIPPED for part in path.parts)


def beside(folder: Path, *patterns: str) -> list[Path]:
    """Return the files below the code whose names fit, without hidden folders and those of others' code."""
    found = {path for pattern in patterns for path in folder.rglob(pattern) if path.is_file()}
    return sorted(path for path in found if not _is_foreign(path.relative_to(folder)))


def documents_in(folder: Path) -> Mapping[str, str]:
    """Return the documents of a folder by what they are about, as their names tell."""
    told: dict[str, str] = {}
    names = sorted(path.name for path in folder.glob("*.md"))
    for subject in ("data_model", "api_coverage", "webhook_analysis", "integration"):
        for name in names:
            if subject in naming.snake(name.removesuffix(".md")) and name not in told.values():
                told.setdefault(subject, name)
    return told


def documents_folder(folder: Path) -> Path | None:
    """Return the folder below the code that holds such documents, None where there is none."""
    holding = {path.parent for path in folder.rglob("*.md") if not _is_foreign(path.relative_to(folder))}
    ranked = sorted(holding, key=lambda one: (-len(documents_in(one)), str(one)))
    return ranked[0] if ranked and len(documents_in(ranked[0])) > 1 else None
