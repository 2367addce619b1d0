"""The section ``invariants``: what each row has to hold, and the database has to enforce."""

from __future__ import annotations

from pydantic import Field, field_validator

from dsaudit.parameters.section import WORDS, Section


def one_condition(value: str) -> str:
    """Refuse what would be more than an expression in a query."""
    if ";" in value or "--" in value or "/*" in value:
        raise ValueError("one condition is expected, without a semicolon and without a comment")
    return value


class Invariant(Section):
    """A condition in SQL on the columns of one row of a resource, such as ``cpu_cores > 0``.

    As in a check constraint it is broken only where it is false: a value that is not there breaks nothing. Functions
    and types that are not PostgreSQL's own are named with their schema.
    """

    resource: str
    holds: str = Field(pattern=WORDS)

    _one_condition = field_validator("holds")(one_condition)
