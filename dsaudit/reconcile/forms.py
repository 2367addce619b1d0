"""The form in which a value is hashed: equal forms mean equal values, and what has no form is looked at again.

A form may differ for equal values (``1e2`` and ``100``), as a hash only clears: rows whose hashes differ are compared
by value. It must never be equal for values that differ. So each type has a narrow grammar; a value outside of it has
no form, and a row with such a value has no hash. Version 1:

========= ============================================================================================
text      the text, byte for byte; a JSON number with a point or an exponent, a list or an object has none
integer   128 bits, of at most 37 digits
decimal   plain digits without zeros at the end (money too); a JSON number that a double cannot hold has none
boolean   true or false
instant   microseconds since 1970, of years 1000 to 9898; a text needs an offset, and no more than 6 decimals
date      the date
domain    the text, of one in its normal form that is plain ASCII; see `dsaudit.reconcile.domains`
JSON      DuckDB's ``json_normalize``: numbers up to a double, unless `exact`
========= ============================================================================================

What is taken for granted: no name stands twice in one object. Of two, DuckDB reads the first and Python the last.
"""

from __future__ import annotations

from dataclasses import dataclass

from dsaudit.database.expressions import as_text
from dsaudit.parameters.fields import FieldOf
from dsaudit.parameters.ids import Kind
from dsaudit.reconcile.values import MINOR, PER_SECOND

VERSION = 1
JSON = "JSON"  # a value as JSON text, as it stands in a JSON Lines file
PLAIN = "PLAIN"  # digits as PostgreSQL writes a numeric whose scale was trimmed
INSTANT = "TIMESTAMP WITH TIME ZONE"

INTEGER = r"-?[0-9]{1,37}"
NUMBER = r"-?(0|[1-9][0-9]*)(\.[0-9]+)?"
# Of these the normal form is the text itself. What begins with "www." or is in Punycode is looked at again.
_LABEL = r"([a-z0-9-]{0,61}[a-z0-9])?"
DOMAIN = rf"([a-z0-9]{_LABEL}\.)+[a-z]{_LABEL}"
DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
# Of years 1000 to 9899, so that no offset leads out of the years that there are.
TIME = (
    r"([1-8][0-9]{3}|9[0-8][0-9]{2})-[0-9]{2}-[0-9]{2}[T ]"
    r"([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?(Z|[+-](0[0-9]|1[0-4]):[0-5][0-9])"
)
FIRST, LAST = -30_610_224_000, 250_215_264_000  # seconds since 1970
# A decimal of up to 15 digits comes out of a double as it went in. These are the numbers of more, or with an exponent.
INEXACT = (
    r"[0-9]{13}\.[0-9]|[0-9]{9}\.[0-9]{4}|[0-9]{5}\.[0-9]{8}|[0-9]\.[0-9]{12}|[:,\[\s]-?[0-9.]+[eE]|^-?[0-9.]+[eE]"
)


@dataclass(frozen=True)
class Column:
    """One column of a comparison: its name in the answer, its name here, its place and type at the source.

    Without a `field` it holds JSON that is compared whole; `path` is where it stands in the source's record then, and
    '' is the record itself. `id_kind` is how a key is written here that is the source's id; see `parameters.ids`.
    """

    name: str
    here: str
    field: FieldOf | None = None
    path: str = ""
    id_kind: Kind | None = None

    @property
    def origin(self) -> str:
        """The path in the source's record."""
        return self.field.from_ if self.field else self.path


@dataclass(frozen=True)
class Value:
    """The DuckDB expressions of one value: itself, its type (or `JSON`, or `PLAIN`), and it as text.

    ``record`` is the text that a JSON value was taken from, to see whether a number in it went through a double, and
    ``currency`` the currency's code as text.
    """

    itself: str
    kind: str
    text: str
    record: str = "''"
    currency: str = "null"


def quoted(text: str, mark: str = '"') -> str:
    """Return `text` as an identifier, or with ``'`` as a string, of DuckDB's and PostgreSQL's SQL alike."""
    return f"{mark}{text.replace(mark, mark * 2)}{mark}"


def text_of(value: str, kind: str) -> str:
    """Return the DuckDB expression of a value as text: of a JSON string what it says, of other JSON itself."""
    if kind == JSON:
        plain = f"substring({value}, 2, length({value}) - 2)"
        said = f"case when contains({value}, '\\') then json_extract_string({value}, '$') else {plain} end"
        return f"case when starts_with({value}, '\"') then {said} else {value} end"
    return value if kind in ("VARCHAR", PLAIN) else f"cast({value} as varchar)"


def form(column: Column, value: Value, exact: bool = False) -> str:
    """Return the DuckDB expression of a value's form, null where it has none; the value must not be null."""
    if column.field is None:
        normal = f"json_normalize({value.itself})"
        return f"case when not regexp_matches({value.record}, '{INEXACT}') then {normal} end" if exact else normal
    return _FORMS[column.field.as_](column.field, value)


def _text(field: FieldOf, value: Value) -> str:
    if value.kind != JSON:
        return value.text
    # A string, a whole number or a truth: what Python prints as DuckDB does.
    is_plain = f"starts_with({value.itself}, '\"') or regexp_full_match({value.itself}, '0|-?[1-9][0-9]*|true|false')"
    return f"case when {is_plain} then {value.text} end"


def _domain(field: FieldOf, value: Value) -> str:
    is_longer = f"contains({value.text}, '--') or starts_with({value.text}, 'www.') or length({value.text}) > 253"
    return f"case when not ({is_longer}) then {_matching(value.text, DOMAIN, value.text)} end"


def _boolean(field: FieldOf, value: Value) -> str:
    return (
        value.itself
        if value.kind == "BOOLEAN"
        else f"case {value.text} when 'true' then true when 'false' then false end"
    )


def _integer(field: FieldOf, value: Value) -> str:
    if value.kind in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"):
        return f"cast({value.itself} as hugeint)"
    return _matching(value.text, INTEGER, f"try_cast({value.text} as hugeint)")


def _date(field: FieldOf, value: Value) -> str:
    return value.itself if value.kind == "DATE" else _matching(value.text, DATE, f"try_cast({value.text} as date)")


def _instant(field: FieldOf, value: Value) -> str:
    if field.epoch:
        per = PER_SECOND[field.epoch]
        counted = f"try_cast({value.text} as bigint)"
        within = f"{counted} between {FIRST * per} and {LAST * per}"
        return _matching(value.text, "-?[0-9]{1,18}", f"case when {within} then {1_000_000 // per} * {counted} end")
    if value.kind == INSTANT:
        within = f"{value.itself} between to_timestamp({FIRST}) and to_timestamp({LAST})"
        return f"case when {within} then epoch_us({value.itself}) end"
    return _matching(value.text, TIME, f"epoch_us(try_cast({value.text} as timestamptz))")


def _decimal(field: FieldOf, value: Value) -> str:
    if value.kind == PLAIN:
        return value.itself
    if value.kind.startswith("DECIMAL") and field.minor is None and field.currency is None:
        return _trimmed(value.text)
    is_exact = "true"
    if value.kind == JSON:
        # What a string says is exact; a number with a point went through a double.
        is_exact = f"(starts_with({value.itself}, '\"') or not contains({value.itself}, '.')"
        is_exact += f" or not regexp_matches({value.record}, '{INEXACT}'))"
    if field.minor is None and field.currency is None:
        return f"case when regexp_full_match({value.text}, '{NUMBER}') and {is_exact} then {_trimmed(value.text)} end"
    places = str(field.minor)
    if field.currency:
        listed = " ".join(f"when '{code}' then {digits}" for code, digits in MINOR.items())
        others = f"case when regexp_full_match({value.currency}, '[A-Z]{{3}}') then 2 end"
        places = f"case {value.currency} {listed} else {others} end"
    sign, digits = f"case when starts_with({value.text}, '-') then '-' else '' end", f"ltrim({value.text}, '-')"
    padded = f"lpad({digits}, greatest(length({digits}), 1 + {places})::integer, '0')"
    shifted = f"{sign} || left({padded}, -({places})) || '.' || right({padded}, {places})"
    whole = f"case when {places} = 0 then {value.text} else {_trimmed(f'({shifted})')} end"
    return f"case when {places} is not null then {_matching(value.text, '-?(0|[1-9][0-9]*)', whole)} end"


_FORMS = {
    "text": _text,
    "domain": _domain,
    "integer": _integer,
    "decimal": _decimal,
    "money": _decimal,
    "boolean": _boolean,
    "instant": _instant,
    "date": _date,
}


def _matching(text: str, grammar: str, then: str) -> str:
    return f"case when regexp_full_match({text}, '{grammar}') then {then} end"


def _trimmed(text: str) -> str:
    """Without zeros at the end of a fraction."""
    has_some = f"contains({text}, '.') and ends_with({text}, '0')"
    return f"case when {has_some} then rtrim(rtrim({text}, '0'), '.') else {text} end"


def wire(column: Column, expression: str, declared: str) -> tuple[str, str]:
    """Return how PostgreSQL sends a column of type `declared` for its form, and the type in which it comes.

    Text is the rule; a few types travel faster as they are. Both are exact.
    """
    name = column.field.as_ if column.field else "json"
    if name == "json":
        return f"({expression})::jsonb::text", "VARCHAR"
    if name == "integer" and declared in ("smallint", "integer", "bigint"):
        return f"({expression})::bigint", "BIGINT"
    if name in ("decimal", "money") and declared.startswith("numeric"):
        return f"pg_catalog.trim_scale({expression})::text", PLAIN
    if name == "boolean" and declared == "boolean":
        return expression, "BOOLEAN"
    if name == "instant" and declared.startswith("timestamp") and declared.endswith("with time zone"):
        return expression, INSTANT
    return as_text(expression, declared), "VARCHAR"


def shown(column: Column, expression: str, declared: str) -> str:
    """Return the PostgreSQL expression of a column as the text that is read for the second look."""
    if column.field is None:
        return f"({expression})::jsonb::text"
    return as_text(expression, declared)
