"""The section ``durations``: from when to when a row is under way, such as a flow."""

from __future__ import annotations

from pydantic import Field

from dsaudit.parameters.section import Section


class Duration(Section):
    """How long the rows of a resource are under way: from one of its columns to another, which is empty until then.

    `by` is a column that says of which kind a row is, such as its type or its status; its values, of which the twenty
    most frequent are told apart, stand in reports as they are.
    """

    resource: str
    from_: str = Field(alias="from")
    to: str
    by: str | None = None
