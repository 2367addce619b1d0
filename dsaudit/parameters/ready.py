"""The section ``ready``: the view of the records that are ready to be worked with."""

from __future__ import annotations

from pydantic import Field

from dsaudit.parameters.section import Names, Section


class Ready(Section):
    """A view of the synced records, the column of it that holds the source's id, and the columns that it has to have.

    Records may be missing there, as the view leaves out what is not ready; every column in `columns` has to be filled.
    """

    view: str = Field(min_length=1)
    key: str = Field(min_length=1)
    columns: Names = Field(min_length=1)
