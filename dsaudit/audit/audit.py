"""What a notebook holds: an audit of one phase, whose checks show themselves."""

from __future__ import annotations

import contextlib
import copy
import math
import tempfile
import time
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from dsaudit import codebase, handoff, sample, source
from dsaudit.audit import exploring, making, rows
from dsaudit.audit.display import Closing, Draft, Opening, Shown
from dsaudit.audit.gathering import gather, table_rows
from dsaudit.audit.judging import Evidence, Scope, judge
from dsaudit.checks import Check, CheckError, all_checks, find_table, lacking_ways_in, own_checks
from dsaudit.checks.planning import plan_check
from dsaudit.database import Database
from dsaudit.database.bindings import bindings
from dsaudit.database.identity import guard, identify
from dsaudit.database.inference import Inferred, completed, infer
from dsaudit.database.relations import Relations
from dsaudit.parameters import Parameters, Part, baseline, load, narrowed
from dsaudit.parameters.secret import SecretMissing
from dsaudit.source import Recording
from dsaudit.source.recording import SOURCE_TO_US
from dsaudit.verdict import Result, Status, Verdict, masking, worst
from dsaudit.verdict.masking import Cell, Mask
from dsaudit.wording import span

if TYPE_CHECKING:
    from dsaudit.timeline import Story


class AuditNotPassed(Exception):
    """The phase is not green; raised by `Audit.close` where nobody reads the verdicts afterwards."""


def open(system: str, phase: str, replay: str = "", live: bool = False, probe: bool = False, **part: Any) -> Audit:
    """Open the audit of `phase` (``datasource/04_deduplication``) on the system that a parameter file describes.

    Under `dsaudit run` it reads the run's snapshot and recording; by hand it takes a snapshot of its own, and reads
    the source when it is needed, or takes it from the run folder `replay`, as it was read then. By hand `part` narrows
    it as the options of `dsaudit run` do: ``resources=["order"]``, ``tenants=["acme"]``, ``since="7d"``,
    ``sample=300``, ``seed=2``; with ``live=True`` checks act, as they do where the file has `allow_actions`, and
    with ``probe=True`` what `webhooks.probe` allows is sent.

    Raises
    ------
    ParameterError, PartError, DatabaseError, SampleError
        The set-up is broken: the file, what was asked of it, the connection, the role, or the sample.
    """
    given = handoff.current()
    parameters = load(system, given.overrides if given else None, is_recorded=bool(given or replay))
    sample.attach(parameters)
    if given is None and (own := sample.own_file(parameters)) != parameters.path:
        parameters = load(str(own), is_recorded=bool(replay))
    parameters = narrowed(parameters, given.part if given else Part.given(**part))
    parameters = parameters if given or replay or probe else parameters.sending_only("nothing")
    if given or replay or live:  # else as the file says
        parameters = parameters.allowed_to_act(given.acting if given else live or source.has_acted(replay))
    of_run = (given.snapshot, f"dsaudit/{phase}", given.instant, given.private) if given else (None, f"dsaudit/{phase}")
    database = Database.open(parameters.database, *of_run)
    told = [Inferred(**one) for one in given.inferred] if given else infer(parameters, database)
    return Audit(completed(parameters, told, database.catalogue()), database, phase, given, replay)


class Audit:
    """One phase's audit: `check` judges, `table` and `frame` show, `close` ends it."""

    def __init__(
        self,
        parameters: Parameters,
        database: Database,
        phase: str,
        given: handoff.Handoff | None = None,
        replay: str = "",
    ) -> None:
        self.parameters = parameters
        self.database = database
        self.blueprint, _, self.phase = phase.rpartition("/")
        self.verdicts: list[Verdict] = []
        self.kept: dict[str, Any] = {}  # what one check has read and another needs too
        self._handoff = given
        self._replay = replay
        self._held = contextlib.ExitStack()
        self.revealed = False
        self._stale = math.inf
        if given is None:
            self._hold()
        self.identity = identify(database)
        guard(parameters, self.identity)
        self.instant = given.instant if given else self.identity.time
        self.mask = Mask(masking.load_key(parameters.integration))
        self.accepted = baseline.load(parameters, self.mask).findings()

    # What a check reads ------------------------------------------------------------------------------------------

    @cached_property
    def private(self) -> Path:
        """The folder for what is never shared: rows, facts, the recording."""
        if self._handoff:
            return self._handoff.private
        return Path(self._held.enter_context(tempfile.TemporaryDirectory(prefix="dsaudit-")))

    @property
    def run_folder(self) -> Path | None:
        """The private folder of the run that this is a phase of, None by hand."""
        return self._handoff.private if self._handoff else None

    @property
    def is_replay(self) -> bool:
        """Whether an earlier run's reading is used, so that nothing is done now."""
        return self._handoff.replayed if self._handoff else bool(self._replay)

    @cached_property
    def code(self) -> codebase.Code:
        """The integration's code, read and not run."""
        assert self.parameters.code is not None
        return codebase.read(self.parameters.folder(self.parameters.code.folder))

    @cached_property
    def source(self) -> Recording:
        """What the source has, read once. By hand it is read now, and the snapshot is taken anew after it."""
        if self._handoff:
            return Recording(self._handoff.recording, self.parameters)
        folder = self.private / "recording"
        read = source.replay(Path(self._replay)) if self._replay else source.record
        read(self.parameters, folder, lambda line: None, lambda: None)
        self._hold_anew()
        return Recording(folder, self.parameters)

    @property
    def asks_anew(self) -> bool:
        """Whether the source would be asked now: by hand, where it was neither read yet nor is a run's reading used."""
        return self._handoff is None and not self._replay and "source" not in vars(self)

    def with_source(self, read: Callable[[], Recording]) -> Audit:
        """Return this audit with a reading of the source that is made now; both see the snapshot taken after it."""
        recording = read()
        self._hold_anew()
        other = copy.copy(self)
        other.kept, other.source = {}, recording  # in the place of the reading that it would make
        return other

    @cached_property
    def relations(self) -> Relations:
        """What the slots of a query stand for here."""
        return Relations(self.parameters, self.database.catalogue(), self._part_ids)

    def _part_ids(self, resource: str) -> dict[str, set[str]] | None:
        return self.source.part_ids(resource) if self.parameters.part.by_record else None

    def hold(self, resource: contextlib.AbstractContextManager[Any]) -> Any:
        """Enter what is to end with this audit, and return what it yields."""
        return self._held.enter_context(resource)

    def _hold(self) -> None:
        """Take a snapshot and hold it for as long as this audit lives, or until it is too old."""
        self.database.snapshot = None
        self.database.snapshot = self._held.enter_context(self.database.held_snapshot())
        self._stale = time.monotonic() + self.database.settings.snapshot_age

    def _renew(self) -> None:
        """By hand, where somebody thinks between two cells, take a new snapshot when the old one was let go."""
        if self._handoff is None and time.monotonic() >= self._stale:
            self._hold_anew()
            self.kept.clear()

    def _hold_anew(self) -> None:
        self._hold()
        self.instant = identify(self.database).time

    # What a notebook calls ---------------------------------------------------------------------------------------

    def check(self, name: str) -> Verdict:
        """Run the check `name` in every scope that the parameter file declares, and return its verdict.

        A failing check is a result, and so is a query that PostgreSQL refuses; only an unknown name raises.
        """
        checks = all_checks()
        if name not in checks:
            raise CheckError(f"there is no check {name!r}; `dsaudit list` names them all")
        return self._run(checks[name])

    def own_checks(self) -> Shown:
        """Run the user's own checks, the ``.sql`` files beside the parameter file."""
        from IPython.display import display

        folder = self.parameters.path.with_suffix("") / "checks"
        verdicts = [self._run(check) for check in own_checks(folder).values()]
        for verdict in verdicts:
            display(verdict)  # type: ignore[no-untyped-call]
        return Shown.of_verdicts(verdicts, f"no checks of your own in {folder.parent.name}/checks")

    def table(self, name: str) -> Shown:
        """Show the rows of a table that judges nothing, masked like everything that is displayed."""
        query = find_table(name)
        frame = self.frame(name)
        return replace(self._shown(query, frame), unshown=frame.attrs.get("unshown", ""))

    def frame(self, name: str) -> pd.DataFrame:
        """Return a table's rows, whole, for plots; none where they cannot be read, why in ``attrs["unshown"]``."""
        query = find_table(name)
        self._renew()
        if lacking_ways_in(query, self.parameters):
            return pd.DataFrame()
        return table_rows(self, query)

    def draft(self, name: str) -> Draft:
        """Draft a document, such as ``webhook_analysis``, from this audit; a run writes it beside its report."""
        self._renew()
        return making.draft(self, name, *self._marks)

    def why(self, resource: str, source_id: str = "", tenant: str = "", whole: bool = False) -> Story:
        """Return one record's whole story and what is wrong with it now: see `dsaudit.timeline.told`."""
        from dsaudit import timeline

        self._renew()
        return timeline.told(self, resource, source_id, tenant, whole)

    def cell(self, value: object, shown: bool = False, key: bool = False) -> Cell:
        """Return a value as it may be displayed: see `dsaudit.verdict.masking.Mask.cell`."""
        return self.mask.cell(value, shown=self.revealed or shown, key=key)

    def differences(self, resource: str = "") -> pd.DataFrame:
        """Return what differs in a `resource`, or in all, as a frame to play with: a line a difference, masked.

        Columns: tenant, resource, source_id; what (missing in raw, missing in refined, old in raw, field, extra), field
        and kind (which, and how they differ); at_source and in_refined (Decimal, datetime in UTC, int, text …); cause,
        its group and class (expected, loss, unexplained), evidence; changed_at (at the source), received_at, updated_at
        (as the refined row has it), refined_at (datetime64, UTC); rank among the source's ids, of so many ranks;
        examined (records that were compared with it in all); leads (whether the line stands for its record: once each).
        Texts and textual ids are masked, equal ones alike, in a run always and by hand until `reveal` is called.
        The comparison is the checks' own, done once. Without a source in the file the frame has neither lines nor
        columns; ``attrs["unread"]`` names the lists that could not be compared, ``attrs["unshown"]`` says why none was.

        Raises
        ------
        CheckError
            There is no such resource.
        """
        return exploring.differences(self, resource)

    def reveal(self) -> None:
        """Unmask what is displayed from here on; refused in a run, and wherever nobody looks (`PermissionError`)."""
        exploring.refuse_to_reveal(is_run=self._handoff is not None)
        self.revealed = True

    def summary(self, good: str = "", bad: str = "") -> Shown:
        """Show the phase's verdicts, the worst first, under the word `good` if all are green, and `bad` otherwise."""
        green = worst(verdict.status for verdict in self.verdicts) is Status.PASS
        part = self.parameters.part.words
        word = f"{good if green else bad}, for a part only ({part})" if part else good if green else bad
        return Shown.of_verdicts(self.verdicts, "no check has run in this phase", word)

    def close(self) -> Closing:
        """End the phase: release the snapshot and show the summary.

        Raises
        ------
        AuditNotPassed
            The phase is not green and nobody reads its verdicts afterwards: plain papermill, nbconvert or nbmake.
        """
        self._held.close()
        self.database.close()
        given = self._handoff
        closing = Closing(*self._marks, self.phase, self.verdicts, bool(self.blueprint))
        # Outside of a blueprint nothing has to be proven.
        bad = [v for v in self.verdicts if v.status in (Status.FAIL, Status.ERROR, Status.INCONCLUSIVE)]
        proven = any(verdict.status is Status.PASS for verdict in self.verdicts) or not self.blueprint
        if (bad or not proven) and not given and not exploring.is_interactive():
            words = "; ".join(f"{verdict.check}: {verdict.status}" for verdict in bad) or "no check has passed"
            raise AuditNotPassed(f"{self.phase} is not green: {words}")
        return closing

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        replay = "" if self._handoff else Path(self._replay).name
        return Opening(self.parameters, self.identity, self.instant, self.phase, replay)._repr_mimebundle_()

    # How a check runs --------------------------------------------------------------------------------------------

    def _run(self, check: Check) -> Verdict:
        started = datetime.now(UTC)
        clock = time.perf_counter()
        self._renew()
        planned = plan_check(check, self.parameters, self.phase)
        evidence = Evidence(pd.DataFrame(), pd.DataFrame())
        if planned.skipped:
            results = [Result({}, Status.SKIPPED, observed="not run", reason=planned.skipped)]
        else:
            evidence = gather(self, check, planned.scopes)
            results = judge(check, planned.scopes, evidence, self.parameters, self._source_count)
        verdict = self._verdict(check, results, evidence)
        verdict.started = started.isoformat()
        verdict.seconds = round(time.perf_counter() - clock, 4)
        self.verdicts.append(verdict)
        return verdict

    def values(self) -> dict[str, Any]:
        """Return what every query may bind, at the run's instant."""
        is_read = self.parameters.source is not None and (self._handoff is not None or "source" in vars(self))
        return bindings(self.parameters, self.instant, self.source.offsets.get(SOURCE_TO_US) if is_read else None)

    def query(
        self, sql: str, item: Scope | None = None, resources: Collection[str] | None = None, **values: Any
    ) -> pd.DataFrame:
        """Return all rows that a query finds, its slots filled for `item`; it may bind `values`, and what all may.

        Raises
        ------
        QueryError, RelationMissing
            It could not be asked.
        """
        filled = self.relations.fill(sql, item, resources)
        bound = {**self.values(), **filled.values, **values}
        return self.database.query(filled.sql, bound, most=None).frame

    def _source_count(self, scope: Scope) -> int | None:
        """Return how many records the source has in a scope, or None where that is not known."""
        resource = scope.get("resource") or scope.get("relation", "").partition(".")[0]  # a relation's child
        if self.parameters.source is None or not resource:
            return None
        tenants = [scope["tenant"]] if "tenant" in scope else self.parameters.tenant_names
        try:
            counts = [self.source.count(tenant, resource) for tenant in tenants]
        except (source.SourceError, SecretMissing):
            return None
        return None if None in counts else sum(count for count in counts if count is not None)

    def _verdict(self, check: Check, results: list[Result], evidence: Evidence) -> Verdict:
        return making.verdict(self, check, results, evidence, *self._marks)

    @property
    def _marks(self) -> tuple[str, str]:
        """What marks an output as one of the run; empty by hand."""
        return (self._handoff.run, self._handoff.nonce) if self._handoff else ("", "")

    def _shown(self, query: Check, frame: pd.DataFrame) -> Shown:
        shown = {*query.listed("show"), *self.parameters.show, *rows.OURS}
        keys = query.listed("key")
        columns = [{"name": str(name), "role": "key" if name in keys else "value"} for name in frame.columns]
        records = frame.to_dict("records")[: rows.MOST_SHOWN * 5]
        for name in query.listed("spans"):  # columns of seconds
            for record in records:
                if not pd.isna(record.get(name)):
                    record[name] = span(float(record[name]))
        lines = [rows.masked(self, query, record, columns, shown) for record in records]
        return Shown(query.headers.get("title", query.name), columns, lines, len(frame)).without_empty()
