"""The causes of a difference: one readable table, in the order of a record's way from the source to the refined row.

Each cause says which differences it can explain, what has to be known for it, the words of its evidence, and what mends
it. A fact that is not known makes a condition false, so a cause without its decisive evidence is never given. Where
several causes hold, all are kept and the earliest leads; one marked ``otherwise`` is the weaker statement that stands
only where nothing else does. `dsaudit.reconcile.evidence` gathers the facts, one line a difference, one column a fact.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

UNEXPLAINED = "UNEXPLAINED"
GROUPS = ("late", "not sent", "not received", "not refined", "refined wrong", "extra", "unexplained")
NEVER, OLD = frozenset({"missing in raw", "missing"}), frozenset({"old in raw", "field"})
LOST, EXTRA, FIELD, MISSING = NEVER | OLD, frozenset({"extra"}), frozenset({"field"}), frozenset({"missing"})


@dataclass(frozen=True)
class Cause:
    """One cause: ``when`` gives for each line of the facts whether it holds, ``mend`` the kind of command it needs."""

    code: str
    group: str
    explains: frozenset[str]
    when: Callable[[pd.DataFrame], Any]
    evidence: str
    remedy: str
    mend: str = ""  # sync, register, refine, delete, several, or nothing that a command could do
    expected: bool = False  # no fault: it is shown and counted, and fails no check
    otherwise: bool = False


def _is_undated(f: pd.DataFrame) -> Any:
    """Return where the newest version has another content, and the raw table does not tell when that changed."""
    another = f.raw_right.eq(False) & f.raw_row.notna() & f.top_changed.isna() & ~f.partial & f.announced
    return another & (f.same_as_older.isna() | f.has_log & ~f.heard)


# fmt: off
TABLE = (
    Cause("NOT_YET_DUE", "late", LOST,
          lambda f: f.unreached & ~f.announced & f.after_last_run.eq(True) & (f.next_run > f.instant),
          "changed {changed_at}, not clearly before the last sync began ({last_run}); the next is due by {next_run}",
          "nothing to mend: the next regular sync brings it", expected=True),
    Cause("IN_FLIGHT", "late", LOST | EXTRA,
          lambda f: f.in_flight | f.just_received,
          "{newest}; the source was read from {read_from}, the database {instant}",
          "nothing to mend: audit again when the source is at rest", expected=True),
    Cause("SCOPE_HIDDEN", "not sent", LOST,
          lambda f: f.unreached & (f.lacking.notna() & f.raw_since.isna() & f.has_raw | f.passed_by.eq("aged")),
          "{scope_words}",
          "grant the scope in the provider's settings, then fetch everything of this kind again", "sync"),
    Cause("SCOPE_HIDDEN", "not sent", EXTRA,
          lambda f: f.hidden_by.notna() & f.raw_deleted.ne(True),
          "{hidden_by}: whether this is still there, nobody was told",
          "grant the scope in the provider's settings, and audit again before anything is deleted"),
    Cause("POLICY_EXCLUDED", "not received", NEVER,
          lambda f: f.left_out.notna(),
          "the parameter file leaves out records whose {left_out} is as here",
          "nothing to mend: the file's known.left_out says that it is not wanted", expected=True),
    Cause("API_DEFAULT_FILTER", "not sent", LOST,
          lambda f: f.unreached & f.passed_by.eq("default"),
          "the sync of {run_at} read {run_fetched} of {run_there}: what is listed where nothing else is asked for",
          "ask for records in every state (such as status=any), then fetch these again", "sync"),
    Cause("PAGE_BOUNDARY", "not received", LOST,
          lambda f: f.unreached & f.passed_by.eq("first"),
          "the sync of {run_at} read the first {run_fetched} of {run_there} on {run_pages}; this is a later one",
          "let the sync follow the pages to their end, past records of one time too, then fetch these again", "sync"),
    Cause("PAGE_BOUNDARY", "not received", LOST,
          lambda f: f.unreached & f.passed_by.eq("page"),
          "the sync of {run_at} read {run_fetched} of {run_there} on {run_pages}: all but one full page; this is of it",
          "let the sync follow the pages to their end, past records of one time too, then fetch these again", "sync"),
    Cause("PAGE_BOUNDARY", "not received", LOST,
          lambda f: f.unreached & f.passed_by.eq("edge"),
          "the sync of {run_at} read {run_fetched} of {run_there} on {run_pages}; of what changed after {cursor} it "
          "passed by what stands behind the end of a page, as this does",
          "let the sync follow the pages to their end, past records of one time too, then fetch these again", "sync"),
    Cause("CURSOR_SKIPPED", "not received", LOST,
          lambda f: f.unreached & f.passed_by.eq("cursor") & (f.cursor < f.changed_at),
          "the sync of {run_at} read what was created after {cursor}; this is older, and changed {changed_at}",
          "let the cursor go by the time of change, and overlap by more than the source's delay; read all once anew",
          "sync"),
    Cause("CURSOR_SKIPPED", "not received", LOST,
          lambda f: f.unreached & f.passed_by.eq("cursor") & (f.cursor >= f.changed_at),
          "the sync of {run_at} read what changed after {cursor}; this changed {changed_at} and had not come before",
          "let the cursor go by the time of change, and overlap by more than the source's delay; read all once anew",
          "sync"),
    Cause("FETCH_ERROR", "not received", LOST,
          lambda f: f.unreached & f.failed_at.notna(),
          "{failure}",
          "mend what the sync failed on, and run it again", "sync"),
    Cause("TOPIC_NOT_SUBSCRIBED", "not sent", LOST,
          lambda f: f.unreached & f.subscribed.eq(False) & f.silent_since_change,
          "no topic that tells of {action} is registered at the provider; last heard by webhook {last_heard}",
          "register the missing topics again, then fetch what they did not tell", "register sync"),
    Cause("UNDELIVERED", "not sent", LOST,
          lambda f: f.unreached & f.subscribed.eq(True) & ~f.heard & (f.listening_since <= f.changed_at)
          & ~f.sent_state.isin(("none", "failed", "taken")),
          "changed {changed_at}; its topic is registered, the log reaches back to {listening_since}, nothing came",
          "fetch these ids again; see at the provider why it did not deliver", "sync"),
    Cause("UNDELIVERED", "not sent", LOST,
          lambda f: f.unreached & f.subscribed.eq(True) & ~f.heard & (f.listening_since <= f.changed_at)
          & f.sent_state.eq("none"),
          "changed {changed_at}; its topic is registered, nothing came, and {sent_words}",
          "fetch these ids again; ask the provider why it did not send", "sync"),
    Cause("UNDELIVERED", "not sent", LOST,
          lambda f: f.unreached & ~f.heard & f.sent_state.eq("failed"),
          "changed {changed_at}; {sent_words}",
          "fetch these ids again; see whether our address answered at that time", "sync"),
    Cause("REJECTED_SIGNATURE", "not received", LOST,
          lambda f: f.unreached & f.rejected_at.notna() & f.accepted_at.isna(),
          "refused for its signature up to {rejected_at}, so often: {rejected}",
          "bring the webhook secret of both sides together, then fetch these again", "sync"),
    Cause("NEVER_RECEIVED", "not received", LOST,
          lambda f: f.unreached & f.has_raw & ~f.elsewhere & (f.accepted_at.notna() | f.never_accepted)
          & f.logged.isna(),
          "{arrival}; nothing of it was stored after that",
          "answer a delivery only when it is stored, then fetch these again", "sync"),
    Cause("NEVER_RECEIVED", "not received", LOST,
          lambda f: f.unreached & f.has_raw & ~f.elsewhere & f.rejected_at.isna() & f.logged.notna(),
          "{logged_arrival}; nothing of it was stored after that",
          "mend what the error names, and answer with an error what cannot be stored; then fetch these again", "sync"),
    Cause("NEVER_RECEIVED", "not received", LOST,
          lambda f: f.unreached & ~f.heard & (f.listening_since <= f.changed_at) & f.sent_state.eq("taken"),
          "{sent_words}; our log, which reaches back to {listening_since}, does not have it",
          "see who else answers at the registered address, then fetch these again", "sync"),
    Cause("REFINE_PENDING", "not refined", MISSING | FIELD | EXTRA,
          lambda f: f.unrefined & f.raw_state.eq("pending") & f.parent_lacking.isna(),
          "raw row {raw_row}, received {raw_received}, is pending",
          "see whether the worker runs, and let it take up what is pending", "refine"),
    Cause("REFINE_ERROR", "not refined", MISSING | FIELD | EXTRA,
          lambda f: f.unrefined & f.raw_state.eq("error"),
          "raw row {raw_row}, received {raw_received}, failed: {error_class}",
          "mend what the message names, and refine these rows again", "refine"),
    Cause("FALSE_DEDUP", "not received", LOST,
          lambda f: f.same_as_older.notna() & (f.accepted_at.notna() | f.run_saw) | f.twin.notna(),
          "{taken_for}",
          "compare a new version with the newest one of the same object only, by its whole key; then fetch these again",
          "sync"),
    Cause("WRONG_TENANT", "refined wrong", NEVER,
          lambda f: f.held_by.notna(),
          "the same record is filed under {held_by}, whose account does not have it",
          "take the tenant from the account that sent it, fetch these again, and remove them from the other tenant",
          "sync"),
    Cause("LOCALLY_DELETED", "refined wrong", NEVER,
          lambda f: f.removed,
          "the source has it; its refined row is marked as deleted (last written: {refined_at})",
          "see who marks rows as deleted that the source still has, and refine them again", "refine sync"),
    Cause("PARENT_MISSING", "not refined", MISSING,
          lambda f: f.unrefined & f.parent_lacking.notna() & f.raw_state.isin(("pending", "skipped")),
          "raw row {raw_row} is {raw_state}: its {parent_lacking} is not in the refined table",
          "mend the parent first; the children then follow", "refine"),
    Cause("PARTIAL_HELD", "not refined", MISSING,
          lambda f: f.unrefined & f.raw_state.eq("held"),
          "raw row {raw_row}, received {raw_received}, is held back as incomplete",
          "complete the record, then let it be refined", "refine"),
    Cause("TRUNCATED_CHILDREN", "refined wrong", NEVER,
          lambda f: f.beyond_cut.notna(),
          "its parent is here in its present state, with the first {beyond_cut} of its own list, {cut_words}; "
          "this is a later one",
          "read the embedded list to its end, then refine the parents again", "sync"),
    Cause("STALE_OVERWRITE", "refined wrong", FIELD,
          lambda f: f.unrefined & f.raw_state.isin(("processed", "skipped")) & f.built_earlier
          & f.built_right.eq(False),
          "built from raw row {built_from}; the newest, {raw_row} of {raw_changed}, is {raw_state}",
          "let no older version overwrite a newer one, and refine the newest again", "refine"),
    Cause("PARTIAL_PAYLOAD", "refined wrong", OLD,
          lambda f: f.partial,
          "raw row {raw_row} is of the present state, and its payload lacks the field",
          "fetch the whole record when a delivery carries a part of it", "sync"),
    Cause("UNIT_OR_SCALE", "refined wrong", FIELD,
          lambda f: f.refined_present & f.scaled,
          "{present_words}, and the value here is {difference}",
          "take the number of decimals from the currency, and refine these again", "refine"),
    Cause("TIMEZONE", "refined wrong", FIELD,
          lambda f: f.refined_present & f.zoned,
          "{present_words}, and the instant here is off by {difference}",
          "keep an instant's offset when it is read, and refine these again", "refine"),
    Cause("PRECISION", "refined wrong", FIELD,
          lambda f: f.refined_present & (f.difference.isin(("last digits", "below a second")) | f.too_large),
          "{present_words}, and here: {difference}",
          "let numbers pass through no float and no column that is too small, and refine these again", "refine"),
    Cause("ENCODING", "refined wrong", FIELD,
          lambda f: f.refined_present & f.difference.isin(("another Unicode form", "blanks at an end", "letter case")),
          "{present_words}, and here: {difference}",
          "store texts as they come, and refine these again", "refine"),
    Cause("REFINE_WRONG", "refined wrong", MISSING,
          lambda f: f.unrefined & f.raw_state.eq("processed") & f.never_written & ~f.healed,
          "raw row {raw_row} is processed, and there is no refined row of it",
          "mend what writes these rows, or drops them when they are written, and refine them again", "refine",
          otherwise=True),
    Cause("REFINE_WRONG", "refined wrong", FIELD,
          lambda f: f.unrefined & f.raw_state.eq("processed") & ~f.built_earlier,
          "raw row {raw_row} is right and processed, and the refined row is not: {difference}",
          "mend what writes these rows, or drops them when they are written, and refine them again", "refine",
          otherwise=True),
    Cause("MISSED_UPDATE", "not received", OLD,
          lambda f: f.unreached & f.raw_row.notna(),
          "changed {changed_at} at the source; the newest version here, raw row {raw_row}, is of {raw_changed}",
          "fetch these ids again", "sync", otherwise=True),
    Cause("MISSED_UPDATE", "not received", OLD,
          lambda f: f.raw_right.eq(False) & ~f.partial & (f.raw_changed == f.changed_at.dt.floor("s"))
          & f.sent_later_at.notna(),
          "changed {changed_at}; raw row {raw_row} tells the same second and another content, and a delivery that was "
          "sent after that row came, accepted {sent_later_at}, was not stored",
          "tell versions of one second apart by their content and not by their time; then fetch these ids again",
          "sync", otherwise=True),
    Cause("MISSED_UPDATE", "not received", OLD,
          lambda f: _is_undated(f) & (f.payload_changed < f.changed_at),
          "changed {changed_at} at the source; the newest version here, raw row {raw_row}, tells {payload_changed}",
          "fetch these ids again", "sync", otherwise=True),
    Cause("MISSED_UPDATE", "not received", OLD,
          lambda f: _is_undated(f) & f.payload_changed.isna(),
          "the newest version here, raw row {raw_row}, has another content than the source and tells no time of change",
          "fetch these ids again", "sync", otherwise=True),
    Cause("NEVER_RECEIVED", "not received", NEVER,
          lambda f: f.unreached & f.has_raw & f.raw_row.isna() & ~f.elsewhere & ~f.has_log & f.announced & ~f.run_saw,
          "changed {changed_at}; no version of it was ever stored, and there is no log of deliveries that tells more",
          "fetch these ids again; a log of deliveries would tell whether they came", "sync", otherwise=True),
    Cause("MERGED_AT_SOURCE", "extra", EXTRA,
          lambda f: f.merged_into.notna(),
          "the source merged it into {merged_into}",
          "nothing to mend at the source; mark the row as deleted", "delete", expected=True),
    Cause("FOREIGN_TENANT", "extra", EXTRA,
          lambda f: f.owned_by.notna(),
          "it is the record of {owned_by}, whose account has it",
          "take the tenant from the account that sent it, and remove these rows here", "delete"),
    Cause("FOREIGN_TENANT", "extra", EXTRA,
          lambda f: f.owned_by.isna() & f.sent_by.notna(),
          "raw row {raw_row} came by a delivery from the account of {sent_by}",
          "take the tenant from the account that sent it, and remove these rows here", "delete"),
    Cause("DUPLICATE_IDENTITY", "extra", EXTRA,
          lambda f: f.second_of.notna(),
          "built from raw row {built_from}, which is a version of {second_of}",
          "build the key from the source's whole id, and remove the second row", "delete"),
    Cause("MISSED_DELETE", "extra", EXTRA,
          lambda f: f.raw_row.notna() & f.merged_into.isna() & f.owned_by.isna() & f.second_of.isna() & ~f.unrefined
          & f.sent_by.isna() & ~f.arrived & ~f.answered & (~f.unlisted | f.raw_deleted.eq(True)),
          "received {raw_received} as raw row {raw_row}, no longer at the source; {deletion}",
          "mark these rows as deleted, and let a regular sync compare what is here with what is there", "delete"),
    Cause("MISSED_DELETE", "extra", EXTRA,
          lambda f: f.stood_in.notna() & f.owned_by.isna() & f.second_of.isna() & ~f.unrefined & ~f.arrived
          & ~f.answered & ~f.unlisted,
          "it stood in its {top_resource}, raw row {stood_in}, and does no longer at the source{stood_words}",
          "mark these rows as deleted, and let a regular sync compare what is here with what is there", "delete"),
    Cause("GHOST", "extra", EXTRA,
          lambda f: f.has_raw & f.raw_row.isna() & f.owned_by.isna() & f.second_of.isna() & f.sourceless & ~f.answered
          & ~f.unlisted & ~f.may_have_stood,
          "no version of it was ever received, though raw rows reach back to {raw_since}, before the row was made",
          "see who else writes to this table", "delete"),
    Cause("HEALED_LATE", "late", LOST | EXTRA,
          lambda f: f.healed & ~f.in_flight,
          "changed {changed_at}, and not right {instant}: later than policy.in_flight_seconds allows",
          "see in phase 6 which hop is slow; if a change may take so long, say so in policy.in_flight_seconds",
          otherwise=True),
)
# fmt: on
CAUSES: Mapping[str, Cause] = {cause.code: cause for cause in reversed(TABLE)}
EXPECTED = frozenset(cause.code for cause in TABLE if cause.expected)


def group(code: str) -> str:
    """Return in which of the plain words a report speaks of a cause."""
    return CAUSES[code].group if code in CAUSES else "unexplained"


def kind(code: str) -> str:
    """Return a cause's class: ``expected``, ``loss`` or ``unexplained``."""
    return "expected" if code in EXPECTED else "loss" if code in CAUSES else "unexplained"


def ordered(counts: Mapping[str, int]) -> list[str]:
    """Return the codes of `counts` by group, the most frequent of each first."""
    return sorted(counts, key=lambda code: (GROUPS.index(group(code)), -counts[code], code))
