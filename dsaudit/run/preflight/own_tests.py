"""The results of the project's own tests, looked at before a run."""

from __future__ import annotations

from collections.abc import Iterator

from dsaudit.own_tests import folder, left, percent
from dsaudit.parameters import Parameters, place_of
from dsaudit.run.preflight.line import Line, not_given
from dsaudit.verdict.card import plural


def own_tests(parameters: Parameters) -> Iterator[Line]:
    """Tell what the files of the section hold, and which of them could not be read."""
    if parameters.own_tests is None:
        yield not_given("own_tests")
        return
    found = left(parameters)
    for key, problems in (("junit", found.unread), ("coverage", found.unmeasured)):
        where = place_of(parameters.path, ("own_tests", key))
        yield from (Line("own_tests", False, f"{where}: {problem}") for problem in problems)
    code = folder(parameters)
    if code and not code.is_dir():
        where = place_of(parameters.path, ("own_tests", "code"))
        yield Line("own_tests", False, f"{where}: there is no folder {code}")
    if found.reports:
        tests = sum(len(one.cases) for one in found.reports)
        yield Line("own_tests", bool(tests), f"{plural(tests, 'test')} in {plural(len(found.reports), 'file')}")
    if found.measured:
        share = percent(found.files(code).values())
        told = "nothing measured" if share is None else f"{share:.4g} % covered"
        yield Line("own_tests", share is not None, f"{told}, by {plural(len(found.measured), 'file')}")
