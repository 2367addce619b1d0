"""The systems that mutants are tried on: each clean, and with each of its faults."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from inspect import getsource
from pathlib import Path
from typing import Any

from dsaudit import server
from dsaudit.audit import Audit
from dsaudit.checks import all_checks
from examples import discovery, listings, referrals, storefront
from examples.answer_key import Planted
from examples.discovery.faults import FAULTS as DISCOVERY
from examples.listings.faults import FAULTS as LISTINGS
from examples.planting import Fault
from examples.referrals.faults import FAULTS as REFERRALS
from examples.storefront.faults import FAULTS as STOREFRONT
from tests.background import test_history
from tests.background.referrals import running as history
from tests.background_sync.auditing import CHECKS as BACKGROUND_CHECKS
from tests.checks.auditing import opened
from tests.checks.test_faults import wait_for_nothing
from tests.integrity.faults import RELATIONS
from tests.integrity.system import running as small_discovery
from tests.integrity.tenancy_faults import TENANCY
from tests.ledger import faults as ledger_faults
from tests.ledger import running as ledger
from tests.shapes.systems import SHAPES, Shape
from tests.shapes.test_shapes import _made as made

HERE = Path(__file__).parent
CLEAN = "clean"
SEED = 1
Key = set[str] | None  # the checks that a fault's answer key names; None where nothing was planted
At = Callable[[str], AbstractContextManager[tuple[Audit, Key]]]


@dataclass(frozen=True)
class Family:
    """One system: its faults with the checks that they are for, where they are planted, and how it is run.

    To run it yields a way to open an audit of it with one of the faults, or clean.
    """

    faults: dict[str, frozenset[str]]
    running: Callable[[], AbstractContextManager[At]]


@contextmanager
def audited(parameters: Path, environment: dict[str, str], key: Key) -> Iterator[tuple[Audit, Key]]:
    """Open an audit and read the source, where there is one, before the first check."""
    with opened(parameters, environment) as audit:
        if audit.parameters.source:
            assert audit.source.index
        yield audit, key


def _named(planted: Planted) -> set[str]:
    return {expected.check for expected in planted.must} | set(planted.may)


@contextmanager
def _storefront() -> Iterator[At]:
    with storefront.running() as sample:

        @contextmanager
        def at(fault: str) -> Iterator[tuple[Audit, Key]]:
            with sample.clone() as clone:
                key = None if fault == CLEAN else _named(clone.plant(fault, seed=SEED))
                wait_for_nothing(clone)
                with audited(clone.parameters, clone.environment, key) as one:
                    yield one

        yield at


@contextmanager
def _healed(started: AbstractContextManager[Any], before: Callable[[Audit], object]) -> Iterator[At]:
    """Run a sample that is healed after each fault; what has to be done before anything is judged is done `before`."""
    with started as sample, server.running() as scratch:

        @contextmanager
        def at(fault: str) -> Iterator[tuple[Audit, Key]]:
            try:
                key = None if fault == CLEAN else _named(sample.plant(fault, seed=SEED))
                environment = {**sample.environment, "DSAUDIT_POSTGRES_URL": scratch.url}
                with audited(sample.parameters, environment, key) as (audit, _):
                    before(audit)
                    yield audit, key
            finally:
                sample.heal()

        yield at


def _run_all(audit: Audit) -> None:
    """Run the checks of a scheduled sync in their order: what they start leaves the runs that are judged."""
    for name in BACKGROUND_CHECKS:
        audit.check(name)


@contextmanager
def _ledger() -> Iterator[At]:
    with server.running() as one:

        @contextmanager
        def at(fault: str) -> Iterator[tuple[Audit, Key]]:
            with tempfile.TemporaryDirectory() as folder, ledger(one.url, Path(folder)) as system:
                if fault != CLEAN:
                    ledger_faults.damage(system, fault)
                key = None if fault == CLEAN else {fault}
                with audited(system.parameters, system.environment, key) as found:
                    yield found

        yield at


@contextmanager
def _integrity() -> Iterator[At]:
    with server.running() as one:

        @contextmanager
        def at(name: str) -> Iterator[tuple[Audit, Key]]:
            with tempfile.TemporaryDirectory() as folder, small_discovery(one.url, Path(folder)) as system:
                key = None
                if name != CLEAN:
                    fault = {**RELATIONS, **TENANCY}[name]
                    system.execute(*fault.statements)
                    key = {fault.check, *fault.may}
                with audited(system.parameters, system.environment, key) as found:
                    yield found

        yield at


SHAPE_FAULTS = {f"{name}: {statement}": (name, statement) for name, one in SHAPES.items() for statement in one.faults}


@contextmanager
def _shapes() -> Iterator[At]:
    with server.running() as one:

        @contextmanager
        def at(fault: str) -> Iterator[tuple[Audit, Key]]:
            name, statement = SHAPE_FAULTS.get(fault, (fault, ""))
            with tempfile.TemporaryDirectory() as folder, made(one.url, Path(folder), SHAPES[name]) as system:
                if statement:
                    system.execute(statement)
                key = {SHAPES[name].faults[statement][0]} if statement else None
                with audited(system.parameters, {"SHAPE_URL": system.url}, key) as found:
                    yield found

        yield at


# Runs that are added to a clean history: those of each fault.
RUNS: dict[str, list[Any]] = {f"{one[0]} {number}": [one[1:4]] for number, one in enumerate(test_history.FAULTS, 1)}


@contextmanager
def _history() -> Iterator[At]:
    with server.running() as one:

        @contextmanager
        def at(fault: str) -> Iterator[tuple[Audit, Key]]:
            with tempfile.TemporaryDirectory() as folder, history(one.url, Path(folder) / "one") as system:
                for ago, seconds, given in RUNS.get(fault, []):
                    system.run(ago, seconds, **given)
                key = None if fault == CLEAN else {fault.split()[0]}
                with audited(system.parameters, system.environment, key) as found:
                    yield found

        yield at


def _shape_in(folder: Path) -> Shape:
    """Return the system that a folder holds: its schema, its parameter file, and the files beside them."""
    paths = [path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    texts = {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in paths}
    return Shape(texts.pop("schema.sql"), texts, texts.pop("parameters.yml"), {})


CORNERS = {name: (HERE / f"corners.{name}").read_text(encoding="utf-8") for name in ("sql", "yml")}
CORNER = {CLEAN: Shape(CORNERS["sql"], {}, CORNERS["yml"], {})}
ODD = {folder.name: _shape_in(folder) for folder in sorted((HERE / "odd").glob("*/"))}
# A file that does not parse stands in no folder, as ruff reads them all.
ODD["unread"] = replace(ODD["doubts"], exports=ODD["doubts"].exports | {"code/broken.py": "def pull_nothing(:\n"})


@contextmanager
def _as_made(shapes: dict[str, Shape]) -> Iterator[At]:
    """Run systems in which nothing is planted: all checks are tried on each."""
    with server.running() as one:

        @contextmanager
        def at(fault: str) -> Iterator[tuple[Audit, Key]]:
            with (
                tempfile.TemporaryDirectory() as folder,
                made(one.url, Path(folder), shapes[fault], head="") as system,
                audited(system.parameters, {"SHAPE_URL": system.url}, None) as found,
            ):
                yield found

        yield at


def _nothing(audit: Audit) -> None:
    """Leave the audit as it is."""


def _of(planters: dict[str, Fault]) -> dict[str, frozenset[str]]:
    """The faults of a sample with the checks that their planters name."""
    sources = {name: getsource(planter) for name, planter in planters.items()}
    return {name: frozenset(one for one in CHECKS if f'"{one}"' in text) for name, text in sources.items()}


CHECKS = frozenset(all_checks())
UNHARMED = {CLEAN: CHECKS}
FAMILIES = {
    "corners": Family(UNHARMED, lambda: _as_made(CORNER)),  # first, as it kills most of the queries' mutants
    "ledger": Family(UNHARMED | {name: frozenset({name}) for name in ledger_faults.FAULTS}, _ledger),
    "integrity": Family(
        UNHARMED | {name: one.may | {one.check} for name, one in {**RELATIONS, **TENANCY}.items()}, _integrity
    ),
    "shapes": Family(
        dict.fromkeys(SHAPES, CHECKS)
        | {name: frozenset({SHAPES[shape].faults[statement][0]}) for name, (shape, statement) in SHAPE_FAULTS.items()},
        _shapes,
    ),
    "odd": Family(dict.fromkeys(ODD, CHECKS), lambda: _as_made(ODD)),
    "history": Family(UNHARMED | {name: frozenset({name.split()[0]}) for name in RUNS}, _history),
    "discovery": Family(UNHARMED | _of(DISCOVERY), lambda: _healed(discovery.running(), _nothing)),
    "storefront": Family(UNHARMED | _of(STOREFRONT), _storefront),
    "listings": Family(UNHARMED | _of(LISTINGS), lambda: _healed(listings.running(), _nothing)),
    "referrals": Family(UNHARMED | _of(REFERRALS), lambda: _healed(referrals.running(), _run_all)),
}
