"""The faults of all samples as one library: what each one is, and which of them `make faults` plants.

Nothing is planted to know a fault: its mode, and the checks that find it, stand in its planter's own source.
"""

from __future__ import annotations

import ast
import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from importlib import import_module
from inspect import getsource
from pathlib import Path

from dsaudit.checks import all_checks, notebooks
from dsaudit.checks.planning import check_calls
from dsaudit.parameters import project_root
from examples.planting import Fault, faults_of
from tests.faults.lines import FIGURES, objects

# Each sample, and the blueprint by which it is audited.
BLUEPRINTS = {
    "storefront": "datasource",
    "referrals": "background_sync",
    "discovery": "data_integrity",
    "listings": "partial_import",
}


@dataclass(frozen=True)
class Kind:
    """One fault of one sample.

    `mode` is its number in modes.tsv, 0 if it has none. A live one shows only in what an audit does when it may act.
    `moves` tells whether something happens at the source while it is planted. Of the checks, `finds` are those that
    have to fail, as far as its own source names them, and `follows` those that may.
    """

    example: str
    fault: str
    is_live: bool
    mode: int
    moves: bool
    finds: frozenset[str]
    follows: frozenset[str]

    @property
    def name(self) -> str:
        return f"{self.example}/{self.fault}"

    @property
    def blueprint(self) -> str:
        return BLUEPRINTS[self.example]


@dataclass(frozen=True)
class Demand:
    """A requirement of a phase, one of the checks that hold it there, and the faults that this check is to find."""

    requirement: str
    blueprint: str
    phase: str
    check: str
    kinds: tuple[Kind, ...]


def modes() -> dict[int, dict[str, str]]:
    """Return the ways in which real syncs stopped being one to one, by their numbers."""
    with Path(__file__).with_name("modes.tsv").open(encoding="utf-8", newline="") as file:
        return {int(line["mode"]): line for line in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)}


def _kinds() -> Iterator[Kind]:
    for example in BLUEPRINTS:
        live = import_module(f"examples.{example}.faults").LIVE_FAULTS
        for fault, planter in faults_of(example).items():
            yield Kind(example, fault, fault in live, *_declared(planter))


def _declared(planter: Fault) -> tuple[int, bool, frozenset[str], frozenset[str]]:
    """Return what the source of a planter says: mode, whether something moves, the checks that find it, and follow."""
    tree = [*ast.walk(ast.parse(getsource(planter)))]
    given = {one.value.value for one in tree if isinstance(one, ast.keyword) and one.arg == "mode"}
    (mode,) = given or {0}
    moves = any(isinstance(one, ast.Attribute) and one.attr in ("record", "sync") for one in tree)
    follows = Counter(name for one in tree if _is_may(one) for name in _checks(ast.walk(one)))
    # A check that has to find it, and may find more than the key has, stands in both.
    return mode, moves, frozenset(Counter(_checks(tree)) - follows), frozenset(follows)


def _is_may(node: ast.AST) -> bool:
    """Return whether this is ``may=…`` in a call, or a statement that makes it."""
    if isinstance(node, ast.Assign):
        return any(isinstance(one, ast.Name) and one.id == "may" for one in node.targets)
    return isinstance(node, ast.keyword) and node.arg == "may"


def _checks(nodes: Iterable[ast.AST]) -> Iterator[str]:
    for one in nodes:
        if isinstance(one, ast.Constant) and isinstance(one.value, str) and one.value in all_checks():
            yield one.value


def _demands() -> Iterator[Demand]:
    for blueprint in BLUEPRINTS.values():
        for notebook in notebooks(project_root() / "notebooks" / blueprint):
            for check in filter(None, (name for _, name in check_calls(notebook))):
                found = [kind for kind in KINDS.values() if check in kind.finds]
                found = found or [kind for kind in KINDS.values() if check in kind.follows]
                for requirement in all_checks()[check].listed("requirement"):
                    yield Demand(requirement, blueprint, notebook.stem, check, tuple(found))


def _core() -> list[str]:
    """Return a fault for each mode, one for each requirement of each phase that those do not show, and the rivals'.

    Of several the first counts: one that shows by itself before one for which an audit has to act, and of a mode one
    in which something happens at the source before one that is merely written in code or schema.
    """
    chosen = set()
    for mode in modes():
        of_mode = [kind for kind in KINDS.values() if kind.mode == mode]
        chosen.update(sorted(of_mode, key=lambda kind: (kind.is_live, not kind.moves))[:1])
    wanted: dict[tuple[str, str], list[Kind]] = {}
    for one in DEMANDS:
        wanted.setdefault((one.phase, one.requirement), []).extend(one.kinds)
    for kinds in wanted.values():
        if not chosen.intersection(kinds):
            chosen.update(sorted(kinds, key=lambda kind: kind.is_live)[:1])
    shown = {line["kind"] for line in objects(FIGURES / "rivals.jsonl")}  # so that all stand beside each other
    return [name for name, kind in KINDS.items() if kind in chosen or name in shown]


def chosen(patterns: Sequence[str]) -> list[Kind]:
    """Return the kinds whose names match one of the patterns, ``storefront/*`` say; without any those of the core.

    Raises
    ------
    ValueError
        A pattern matches none.
    """
    if not patterns:
        return [KINDS[name] for name in CORE]
    for pattern in patterns:
        if not any(fnmatch(name, pattern) for name in KINDS):
            raise ValueError(f"no fault is called {pattern!r}; python -m tests.faults --list names them all")
    return [kind for name, kind in KINDS.items() if any(fnmatch(name, pattern) for pattern in patterns)]


KINDS = {kind.name: kind for kind in _kinds()}
DEMANDS = [*_demands()]
CORE = _core()
