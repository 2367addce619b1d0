"""Which column types hold which of the source's values exactly, and what goes wrong in the others."""

from __future__ import annotations

import re

TEXTS = {"text", "character varying", "character", "citext", "uuid", "json", "jsonb", "name"}
FLOATS = {"real", "double precision"}
INTEGERS = {"smallint": 2**15 - 1, "integer": 2**31 - 1, "bigint": 2**63 - 1}
MONEY_DIGITS = 2  # after the point; the currencies with three, or with none, are told by the values


def misfit(kind: str, declared: str, holds_id: bool = False) -> str | None:
    """Return what is wrong with keeping a value of `kind` in a column of type `declared`, or None.

    Parameters
    ----------
    kind
        A field's type in the parameter file: ``text``, ``integer``, ``decimal``, ``money``, ``boolean``, ``instant``,
        ``date``, ``domain``, ``json``; empty for a key of no declared type.
    declared
        The column's type as PostgreSQL writes it, such as ``numeric(20,4)``.
    holds_id
        Whether it holds an id of the source, which may need 64 bits.
    """
    if declared.endswith("[]"):
        return None  # a list: the declared type speaks of its elements, if of anything
    name, first, second = _parsed(declared)
    if holds_id:
        return _id_misfit(name)
    if kind in ("money", "decimal"):
        return _decimal_misfit(kind, name, first, second)
    if kind == "integer":
        return _integer_misfit(name, first, second)
    if kind == "instant" and name.startswith("timestamp"):
        return None  # whether it has a zone is another check's question
    named = {"text": TEXTS, "domain": TEXTS, "boolean": {"boolean"}, "date": {"date"}, "json": {"json", "jsonb"}}
    fitting = named.get(kind)
    if kind == "" or (fitting and name in fitting):
        return None
    return f"a column of this type holds no {kind}"


def _parsed(declared: str) -> tuple[str, int | None, int | None]:
    """Return a type's name without its length, and the one or two numbers in its brackets."""
    numbers = re.search(r"\((\d+)(?:,(-?\d+))?\)", declared)
    name = re.sub(r"\([^)]*\)", "", declared).strip().replace("  ", " ")
    if numbers is None:
        return name, None, None
    return name, int(numbers[1]), int(numbers[2]) if numbers[2] else None


def _id_misfit(name: str) -> str | None:
    if name in ("smallint", "integer"):
        return f"ids above {INTEGERS[name]} do not fit; bigint holds them"
    if name in FLOATS:
        return "ids above 2^53 lose their last digits; bigint holds them"
    return None


def _decimal_misfit(kind: str, name: str, digits: int | None, scale: int | None) -> str | None:
    if name in FLOATS:
        return "a binary float cannot hold 0.10 exactly; numeric can"
    if name == "money":
        return "its meaning changes with the server's lc_monetary; numeric's does not"
    if name in INTEGERS:
        return "what stands after the decimal point is lost"
    if name != "numeric":
        return f"a column of this type does not add up; {kind} belongs in numeric"
    if digits is not None and (scale or 0) < MONEY_DIGITS:
        return f"it rounds to {scale or 0} digits after the point"
    return None


def _integer_misfit(name: str, digits: int | None, scale: int | None) -> str | None:
    if name == "smallint":
        return f"values above {INTEGERS[name]} do not fit"
    if name in FLOATS:
        return "values above 2^53 lose their last digits"
    if name == "numeric" and digits is not None and digits - (scale or 0) < 10:
        return f"values of more than {digits - (scale or 0)} digits do not fit"
    if name in INTEGERS or name == "numeric":
        return None
    return "a column of this type holds no integer"
