"""The section ``own_tests``: where the results of the project's own tests lie, and what they have to show."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pydantic import Field, model_validator

from dsaudit.parameters.section import Misplaced, Names, Section

if TYPE_CHECKING:
    from dsaudit.parameters.models import Parameters


class OwnTests(Section):
    """The files that a run of the project's own tests has left; the tests themselves are never run.

    `junit` and `coverage` are paths or patterns: JUnit XML, and coverage as Cobertura's XML, coverage.py's JSON, or
    LCOV. They begin at the project's root, or in the folder that the variable `folder_env` holds, as where a CI system
    unpacks its artefacts. At least `coverage_percent` of the lines, and of the branches where they were measured, has
    to be covered. Results have to be of the code in the folder `code` (by itself ``code.folder``): not older than its
    newest change, and not older than `max_age_days`.
    """

    junit: Names = []
    coverage: Names = []
    folder_env: str | None = None
    coverage_percent: float = Field(95, gt=0, le=100)
    code: str | None = Field(None, min_length=1)
    max_age_days: float | None = Field(None, gt=0)

    @model_validator(mode="after")
    def _of_something(self) -> OwnTests:
        if not self.junit and not self.coverage:
            raise ValueError("names no file; give junit, coverage or both")
        return self


def mistakes(parameters: Parameters) -> Iterator[Misplaced]:
    """Yield what does not fit together in the section, with where it stands."""
    section = parameters.own_tests
    if section and not (section.code or parameters.code or section.max_age_days):
        words = (
            "needs code, the folder that the tests are of, or max_age_days: else old results are as good as new ones"
        )
        yield Misplaced(("own_tests",), words)
