"""The states that rows go through: whether they are known, moved as declared, and what a row has to hold in each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from dsaudit.database import QueryError, RelationMissing
from dsaudit.database.expressions import id_of, literal, value_of
from dsaudit.facts.states import Told, declared, differs, formula_of, from_table, key_of, shown, text_of, told
from dsaudit.functions import Found, Row, frames

if TYPE_CHECKING:
    from dsaudit.audit import Audit

Judged = tuple[list[Row], int, str | None]  # what is wrong, how much was looked at, and why nothing was
Judge = Callable[["Audit", Told], Judged]


def states_are_known(audit: Audit) -> Found:
    """Every row is in one of the states that the file declares.

    why: a row in a state that no code knows is shown nowhere, and goes on to no other
    requirement: PI1
    severity: high
    scope: resource
    having: states
    needs: states
    key: source_id, state
    show: state, row_id
    explains: missing_fields_are_truthful, required_values_are_there, withheld_values_are_absent
    remedy: set these rows right, and let a constraint name the states that there are
    """

    def unknown(audit: Audit, of: Told) -> Judged:
        condition = f"coalesce({of.state} not in ({', '.join(map(literal, of.one.moves))}), true)"
        return _rows(audit, of, condition, "true", "the table has no row")

    return _judged(audit, "column", unknown)


def states_move_as_declared(audit: Audit) -> Found:
    """Every recorded move is declared, begins where the one before ended, and the last leads to the state of now.

    why: a row that goes back undoes what was done for it meanwhile, and nobody does it again
    requirement: PI1
    severity: critical
    scope: resource
    having: states.history
    needs: states
    key: source_id, problem, from_state, to_state
    show: problem, from_state, to_state, moved_at
    explains: withheld_values_are_absent, required_values_are_there
    remedy: let one function alone change the state, which refuses every other move; see who has made these
    """
    return _judged(audit, "history", _astray)


def missing_fields_are_truthful(audit: Audit) -> Found:
    """Each row names as missing exactly the fields that are empty in it.

    why: a field that is not named is never asked for; a user who is asked for what is there loses trust
    requirement: PI1
    severity: high
    scope: resource
    having: states.missing
    needs: states
    key: source_id, field, problem
    show: field, problem, state, row_id
    remedy: compute the list from the row each time that it is written
    """
    return _judged(audit, "missing", _untruthful)


def required_values_are_there(audit: Audit) -> Found:
    """Each row has the values that its state needs.

    why: a row that counts as complete is worked with as such, and lacks what the work rests on
    requirement: PI1
    severity: high
    scope: resource
    having: states.required
    needs: states
    key: source_id, field
    show: field, problem, state, row_id
    explains: derived_values_equal_their_formula
    remedy: refuse the move as long as a value is empty; move these rows back, or fill them
    """

    def lacking(audit: Audit, of: Told) -> Judged:
        return _by_field(
            audit, of, of.one.required,
            lambda column: f"{of.is_empty(column)} or {of.is_blank(column)}",
            lambda column: f"case when {of.is_empty(column)} then 'it is empty' else 'its text is empty' end",
        )  # fmt: skip

    return _judged(audit, "required", lacking)


def withheld_values_are_absent(audit: Audit) -> Found:
    """While a row is in a state, the values that the state withholds are empty.

    why: a number computed from what nobody knows yet looks like any other, and is acted on
    requirement: PI1
    severity: critical
    scope: resource
    having: states.withheld
    needs: states
    key: source_id, field
    show: field, state, row_id
    explains: derived_values_equal_their_formula
    remedy: empty these values, and compute them only at the move into the next state
    """

    def present(audit: Audit, of: Told) -> Judged:
        return _by_field(audit, of, of.one.withheld, lambda column: f"not {of.is_empty(column)}")

    return _judged(audit, "withheld", present)


def provenance_is_complete(audit: Audit) -> Found:
    """Each row says of every field that is filled where its value is from, in one of the declared words.

    why: a value that nobody knows the origin of cannot be trusted over another, nor corrected where it came from
    requirement: PI1
    severity: high
    scope: resource
    having: states.provenance
    needs: states
    key: source_id, field
    show: field, problem, state, row_id
    remedy: write the origin in the same statement as the value
    """
    return _judged(audit, "provenance", _of_unknown_origin)


def derived_values_equal_their_formula(audit: Audit) -> Found:
    """Each derived value is what its formula gives for the values that the row and its parents have now.

    why: a value that is computed once and stored stays as it was when its formula changes, or what it is made of
    requirement: PI1
    severity: high
    scope: resource
    having: states.derived
    needs: states
    key: source_id, field
    show: field, state, stored, computed, row_id
    remedy: compute these rows anew, and after each change of what they are made of
    """
    return _judged(audit, "derived", _otherwise)


def _judged(audit: Audit, part: str, judge: Judge) -> Found:
    """Return what `judge` finds of the states of each resource; of what cannot be asked, why."""
    rows: list[Row] = []
    examined: dict[str, int] = {}
    reasons: dict[str, list[str]] = {}
    for one in declared(audit, part):
        examined.setdefault(one.resource, 0)
        try:
            found, count, why = judge(audit, told(audit, one))
        except (QueryError, RelationMissing) as error:
            found, count, why = [], 0, str(error)
        examined[one.resource] += count
        reasons.setdefault(one.resource, []).extend([why] if why else [])
        rows += [{"resource": one.resource, **row} for row in found]
    lines = [
        {"resource": name, "examined": n, "reason": "; ".join(reasons[name]) or None} for name, n in examined.items()
    ]
    return frames(rows, lines)


def _rows(audit: Audit, of: Told, wrong: str, looked_at: str, empty: str, more: str = "", source: str = "") -> Judged:
    """Return the rows for which `wrong` is true, and how many there are for which `looked_at` is.

    `more` are further columns, and `source` what the rows are joined with; `empty` says what there is none of.
    """
    base = f"from {of.source} {source} where {of.counts}"
    selected = f"{of.ids}, {of.state} as state" + (f", {more}" if more else "")
    counting = f"select count(*) as rows {base} and ({looked_at})"
    finding = f"select {selected} {base} and ({looked_at}) and ({wrong}) order by 2, 3"
    counted, found = audit.database.queries([counting, finding], most=None)
    names = {one.id.lower(): one.name for one in audit.parameters.whole.tenants}
    rows = [{"tenant": names.get(str(row.pop("whose")).lower()), **_shown(row, of)} for row in found.records]
    count = int(counted.rows[0][0])
    return rows, count, None if count else empty


def _shown(row: Row, of: Told) -> Row:
    """Return a row with its states as they may be shown."""
    return {**row, **{name: shown(row[name], of.one) for name in STATES if name in row}}


STATES = ("state", "from_state", "to_state")


def _all(found: Iterator[Judged]) -> Judged:
    """Return several judgements as one; where nothing at all was looked at, why."""
    rows, count, reasons = list[Row](), 0, list[str]()
    for one, number, why in found:
        rows, count = rows + one, count + number
        reasons += [why] if why else []
    return rows, count, None if count or not reasons else "; ".join(dict.fromkeys(reasons))


def _by_field(
    audit: Audit,
    of: Told,
    fields: dict[str, list[str]],
    wrong: Callable[[str], str],
    problem: Callable[[str], str] | None = None,
) -> Judged:
    """Judge in each state the columns that are named for it."""
    return _all(
        _rows(
            audit, of, wrong(column), of.in_one_of([state]), f"no row is {state}",
            f"{literal(column)} as field" + (f", {problem(column)} as problem" if problem else ""),
        )
        for state, columns in fields.items()
        for column in columns
    )  # fmt: skip


# Moves

MOVED = """
with moves as (
  select {of} as id, {before} as from_state, {after} as to_state, {at} as moved_at,
         lag({after}) over w as last_state, row_number() over w as place, count(*) over w as so_far,
         count(*) over (partition by {of}) as moves, count(*) over (partition by {of}, {at}) as at_once
  from {history} as x where {of} is not null window w as (partition by {of} order by {at}, {before} is not null)
), ordered as (
  select m.*, lag(m.at_once) over (partition by m.id order by m.place) as once_before from moves as m
), now as (
  select {key} as id, {state} as state from {source} where {counts}
), found as (
  select id, 'no such move is declared' as problem, from_state, to_state, moved_at from ordered
  where to_state is not null and from_state is distinct from to_state
    and not coalesce((from_state, to_state) in ({allowed}), false)
    and not (from_state is null and to_state in ({known}))
  union all
  select id, 'it does not begin where the last move ended', from_state, to_state, moved_at from ordered
  where place > 1 and at_once = 1 and once_before = 1 and from_state is distinct from last_state
  union all
  select m.id, 'the row is in another state', m.to_state, now.state, m.moved_at
  from ordered as m join now on now.id = m.id
  where m.place = m.moves and m.at_once = 1 and m.to_state is distinct from now.state
)
select id as source_id, problem, from_state, to_state, moved_at from found order by 1, 5, 2
"""


def _astray(audit: Audit, of: Told) -> Judged:
    """Judge the recorded moves; of those at one instant nobody knows the order, and they are not held to any."""
    one, history = of.one, of.one.history
    assert history
    table = audit.relations.whole.table(history.table)
    pairs = [(state, other) for state, others in one.moves.items() for other in others]
    allowed = ", ".join(f"({literal(state)}, {literal(other)})" for state, other in pairs)
    query = MOVED.format(
        of=id_of(history.of, table),
        before=text_of(table, history.from_),
        after=text_of(table, history.to),
        at=value_of(history.at, table),
        history=from_table(table),
        key=key_of(of),
        state=of.state,
        source=of.source,
        counts=of.counts,
        allowed=allowed or "(null::text, null::text)",
        known=", ".join(map(literal, one.moves)),
    )
    counting = f"select count(*) as rows from {from_table(table)} as x"
    counted, found = audit.database.queries([counting, query], most=None)
    count = int(counted.rows[0][0])
    return [_shown(row, of) for row in found.records], count, None if count else f"{history.table} has no row"


# What a row says of itself


def _untruthful(audit: Audit, of: Told) -> Judged:
    """Judge the list of what is missing; a text without a letter may count as empty or not."""
    missing = of.one.missing
    assert missing
    value = f"pg_catalog.to_jsonb({value_of(missing.column, of.table)})"
    if of.table.columns.get(missing.column, "").partition("(")[0] in ("text", "character varying"):
        value = f"({value_of(missing.column, of.table)})::jsonb"
    listed = f"cross join lateral (select coalesce(nullif({value}, 'null'), '[]') as named) as m"
    is_list = "pg_catalog.jsonb_typeof(m.named) = 'array'"

    def found() -> Iterator[Judged]:
        more = f"{literal(missing.column)} as field, 'it is no list' as problem"
        yield _rows(audit, of, f"not {is_list}", "true", "the table has no row", more, listed)
        for name, column in missing.fields.items():
            is_named = f"m.named ? {literal(name)}"
            wrong = f"({of.is_empty(column)} and not {is_named})"
            wrong += f" or ({is_named} and not ({of.is_empty(column)} or {of.is_blank(column)}))"
            words = f"case when {is_named} then 'it is named, and not empty' else 'it is empty, and not named' end"
            more = f"{literal(name)} as field, {words} as problem"
            yield _rows(audit, of, wrong, is_list, "the table has no row", more, listed)
        known = ", ".join(map(literal, missing.fields))
        others = f"cross join lateral pg_catalog.jsonb_array_elements(case when {is_list} then m.named else '[]' end)"
        strange = f"{listed} {others} as e (name)"
        more = f"{literal(missing.column)} as field, 'it names what is none of the declared fields' as problem"
        wrong = f"coalesce(e.name #>> '{{}}' not in ({known}), true)"
        yield _rows(audit, of, wrong, "true", "", more, strange)[0], 0, None

    return _all(found())


def _of_unknown_origin(audit: Audit, of: Told) -> Judged:
    """Judge what a row says of the origin of each field that is not empty."""
    provenance = of.one.provenance
    assert provenance
    words = ", ".join(map(literal, provenance.values))

    def found() -> Iterator[Judged]:
        for path, column in provenance.fields.items():
            origin = value_of(f"{provenance.column}.{path}", of.table)
            problem = f"case when {origin} is null then 'nothing is said' else 'it is none of the declared words' end"
            more = f"{literal(path)} as field, {problem} as problem"
            is_there = f"not ({of.is_empty(column)} or {of.is_blank(column)})"
            wrong = f"coalesce({origin} not in ({words}), true)"
            yield _rows(audit, of, wrong, is_there, f"{column} is empty in every row", more)

    return _all(found())


def _otherwise(audit: Audit, of: Told) -> Judged:
    """Judge each derived column, where its state does not withhold it."""

    def found() -> Iterator[Judged]:
        for column, formula in of.one.derived.items():
            withholding = [state for state, columns in of.one.withheld.items() if column in columns]
            made = f"cross join lateral (select {formula_of(audit, of, formula)} as made) as f"
            more = f"{literal(column)} as field, {value_of(column, of.table)} as stored, f.made as computed"
            is_due = f"not {of.in_one_of(withholding)}"
            yield _rows(audit, of, differs(of, column, "f.made"), is_due, f"no row may have {column}", more, made)

    return _all(found())
