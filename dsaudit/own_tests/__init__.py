"""The project's own tests, by the files that they have left: JUnit XML and coverage. They are read, and never run."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from dsaudit.own_tests import coverage, files, junit
from dsaudit.own_tests.age import Change
from dsaudit.own_tests.coverage import Covered, Measured, percent, together
from dsaudit.own_tests.junit import Case, Report
from dsaudit.parameters import Parameters

__all__ = ["Case", "Change", "Covered", "Left", "Measured", "Report", "folder", "left", "percent", "together"]


@dataclass
class Left:
    """What runs of the tests have left, and why other files could not be read, for each of both kinds."""

    reports: list[Report] = field(default_factory=list)
    measured: list[Measured] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)  # of JUnit XML
    unmeasured: list[str] = field(default_factory=list)  # of coverage

    @property
    def results(self) -> list[Report | Measured]:
        """What could be read, of both kinds."""
        return [*self.reports, *self.measured]

    @property
    def paths(self) -> list[Path]:
        """The files that could be read."""
        return [one.path for one in self.results]

    def files(self, code: Path | None) -> dict[str, Covered]:
        """Return what was covered of each file, called as it is below the folder of the code, if it is there."""
        whole: dict[str, Covered] = {}
        for name, covered in together(self.measured).items():
            whole.setdefault(_below(code, name), Covered()).add(covered)
        return whole


def _below(code: Path | None, name: str) -> str:
    """Return a file's path below the folder of the code: results may be of another machine, and of another folder."""
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".", "..")]
    ends = ("/".join(parts[start:]) for start in range(len(parts)))
    return next((end for end in ends if code and (code / end).is_file()), name)


def left(parameters: Parameters) -> Left:
    """Return what the files hold that the section ``own_tests`` names."""
    section = parameters.own_tests
    assert section
    reported, without = files.found(parameters, section.junit)
    covered, none = files.found(parameters, section.coverage)
    reports, unread = files.each(reported, junit.read)
    measured, unmeasured = files.each(covered, coverage.read)
    return Left(reports, measured, without + unread, none + unmeasured)


def folder(parameters: Parameters) -> Path | None:
    """Return the folder of the code that the tests are of, None where the file does not tell it."""
    section = parameters.own_tests
    given = (section and section.code) or (parameters.code and parameters.code.folder)
    return parameters.folder(given) if given else None
