"""The four samples as the matrix uses them: how each is started, damaged, audited and put right again."""

from __future__ import annotations

import hashlib
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from dsaudit import source
from dsaudit.checks import all_checks
from dsaudit.parameters import load
from dsaudit.run import Options, run
from dsaudit.run.execute import prepare_imports
from dsaudit.run.rows import read_rows
from dsaudit.scratch.dumping import META, newest_pg_dump
from dsaudit.verdict import Status, Verdict
from tests.background_sync import auditing as background_sync
from tests.checks.asked import called
from tests.checks.auditing import Verdicts, all_rows, decision, opened, variables
from tests.discovery.reading import fingerprint as of_discovery
from tests.faults.judging import Found
from tests.listings.reading import fingerprint as of_listings
from tests.partial_import.auditing import audited_again
from tests.referrals.reading import fingerprint as of_referrals

UNDECLARED = "statements_within_budget"  # the file of the discovery does not say what is slow on average
COPIES = ("grown", "tried_constraints", "tried_tenants")  # what is kept of trials on copies of the schema


@dataclass(frozen=True)
class System:
    """A sample for the matrix.

    `audit` runs its checks in this process: of a sample, by a server for scratch databases, with those that act or
    without. `fingerprint` is all that a fault could leave behind when it was healed; None where it dies with a clone.
    """

    example: str
    blueprint: str
    audit: Callable[[Any, str, bool], Found]
    fingerprint: Callable[[Any], Any] | None = None
    options: tuple[tuple[str, int], ...] = ()

    def running(self, seed: int = 7, **options: int) -> AbstractContextManager[Any]:
        module: Any = import_module(f"examples.{self.example}")
        started: AbstractContextManager[Any] = module.running(**{**dict(self.options), "seed": seed, **options})
        return started

    @contextmanager
    def damageable(self, sample: Any) -> Iterator[Any]:
        """Give a sample in which a fault may be planted, and let nothing of it reach the next.

        Raises
        ------
        AssertionError
            It was healed, and something is left.
        """
        if self.example == "storefront":
            with sample.clone() as clone:
                yield clone
            return
        before = self.fingerprint(sample) if self.fingerprint else None
        try:
            yield sample
        finally:
            sample.heal()
        if self.fingerprint and self.fingerprint(sample) != before:
            raise AssertionError(f"the {self.example} is not as it was before: a fault was not healed")


def checks_of(blueprint: str, live: bool) -> list[str]:
    """Return the checks that the blueprint's notebooks call, in their order; without `live` those that read."""
    return [name for name in called(blueprint) if live or "acts" not in all_checks()[name].headers]


def wait_for_nothing(sample: Any) -> None:
    """Let the sample settle, and tell the audit of a storefront so: two seconds of patience a fault add up."""
    sample.settle()
    time.sleep(0.15)  # what comes to us less than the clocks' error before the source is read, 0.1 s, is in flight
    text = sample.parameters.read_text(encoding="utf-8")
    assert "in_flight_seconds: 2" in text
    sample.parameters.write_text(text.replace("in_flight_seconds: 2", "in_flight_seconds: 0"), encoding="utf-8")


def by_papermill(sample: Any, live: bool) -> Found:
    """Audit as `dsaudit run` does, and read from what the run has left."""
    prepare_imports()
    with tempfile.TemporaryDirectory(prefix="dsaudit-faults-") as folder, variables(sample.environment):
        parameters = load(sample.parameters)
        parameters = parameters.allowed_to_act() if live else parameters
        outcome = run(parameters, Options(jobs=1, out=Path(folder)), source.record, lambda line: None)
        planned = {one["check"]: one["skipped"] for one in outcome.result["plan"]}
        verdicts = [Verdict.from_json(one) for one in outcome.result["verdicts"]]
        found = {one.check: one for one in verdicts if not (one.status is Status.SKIPPED and planned.get(one.check))}
        kept = outcome.folder / "private"
        rows = {
            name: read_rows(kept / Path(one.rows_file).relative_to("private")) if one.rows_file else []
            for name, one in found.items()
        }
        return Found(found, rows, outcome.result)


def _of_storefront(sample: Any, server: str, live: bool) -> Found:
    return _audited(sample, checks_of("datasource", live), server, live)


def _of_referrals(sample: Any, server: str, live: bool) -> Found:
    found, rows, parameters = background_sync.audited(sample)
    return Found(found, rows, decision(parameters, found))


def _of_discovery(sample: Any, server: str, live: bool) -> Found:
    names = [name for name in checks_of("data_integrity", live) if name != UNDECLARED]
    return _audited(sample, names, server, live, _copied_from(sample))


def _of_listings(sample: Any, server: str, live: bool) -> Found:
    found = audited_again(sample, checks_of("partial_import", live), server, live)
    return Found(found.verdicts, found.rows, decision(found.parameters, found.verdicts))


SYSTEMS = {
    "storefront": System("storefront", "datasource", _of_storefront),
    "referrals": System("referrals", "background_sync", _of_referrals, of_referrals),
    "discovery": System("discovery", "data_integrity", _of_discovery, of_discovery),
    "listings": System("listings", "partial_import", _of_listings, of_listings, (("size", 100),)),
}
_TRIED: dict[str, dict[str, Any]] = {}


def _audited(sample: Any, names: list[str], server: str, live: bool, copied_from: str = "") -> Found:
    """Run checks in this process; what is tried on copies of the same schema is tried only once."""
    environment = {**sample.environment, "DSAUDIT_POSTGRES_URL": server}
    with opened(sample.parameters, environment, live=live) as audit:
        audit.kept.update(_TRIED.get(copied_from, {}))
        if audit.parameters.source:
            assert audit.source.index  # read before the first check: the snapshot is renewed after it
        found: Verdicts = {name: audit.check(name) for name in names}
        rows = {name: all_rows(audit, verdict) for name, verdict in found.items()}
        if copied_from:
            _TRIED.setdefault(copied_from, {name: audit.kept[name] for name in COPIES if name in audit.kept})
        return Found(found, rows, decision(audit.parameters, found))


def _copied_from(sample: Any) -> str:
    """All that copies of a schema are made from: the dump of it, the roles, and what the file says of either."""
    with sample.owner() as connection:
        version = connection.info.server_version
    command = [newest_pg_dump(version), "--schema-only", "--dbname", sample.owner_url]
    dump = subprocess.run(command, check=True, capture_output=True, text=True, encoding="utf-8").stdout
    roles = sample.rows("select rolname, rolbypassrls, rolsuper, rolinherit from pg_roles order by 1")
    text = META.sub("", dump) + repr(roles) + sample.parameters.read_text(encoding="utf-8")
    return hashlib.sha256(text.encode()).hexdigest()
