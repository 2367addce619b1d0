"""What watches the system, tried before a run: its rules, dashboards, unit tests, code of metrics, and one scrape."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

from dsaudit.monitoring import given
from dsaudit.observability import declaring, panels
from dsaudit.observability.exposition import NotExposed, scraped
from dsaudit.parameters import Parameters, place_of
from dsaudit.parameters.secret import SecretMissing
from dsaudit.run.preflight.line import Line, not_given
from dsaudit.verdict.card import plural


def monitoring(parameters: Parameters) -> Iterator[Line]:
    """Tell what of the section could be read, and what could not."""
    if parameters.monitoring is None:
        yield not_given("monitoring")
        return
    rules = given.read(parameters)
    for name, problem in rules.problems.items():
        yield Line("monitoring", False, f"{place_of(parameters.path, ('monitoring', 'rules'))}: {name}: {problem}")
    if not rules.problems:
        yield Line("monitoring", True, plural(sum(rule.is_alert for rule in rules.rules), "alert rule"))
    yield from _dashboards(parameters)
    yield from _module(parameters)
    yield from _metrics(parameters)
    yield from _programs(parameters)


def _dashboards(parameters: Parameters) -> Iterator[Line]:
    assert parameters.monitoring
    for name in parameters.monitoring.dashboards:
        try:
            found = panels.read(parameters.folder(name))
        except panels.NoDashboard as error:
            where = place_of(parameters.path, ("monitoring", "dashboards"))
            yield Line("dashboard", False, f"{where}: {name}: {error}")
            continue
        unread = sum(bool(one.problem) for one in found)
        told = f", {unread} of which cannot be read" if unread else ""
        yield Line("dashboard", not unread, f"{name}: {plural(len(found), 'expression')}{told}")


def _module(parameters: Parameters) -> Iterator[Line]:
    assert parameters.monitoring
    if name := parameters.monitoring.module:
        try:
            found = declaring.declared(parameters.folder(name))
        except declaring.Unreadable as error:
            yield Line("metrics", False, f"{place_of(parameters.path, ('monitoring', 'module'))}: {name}: {error}")
            return
        yield Line("metrics", bool(found), f"{name}: {plural(len(found), 'metric')} declared")


def _metrics(parameters: Parameters) -> Iterator[Line]:
    assert parameters.monitoring
    if exposed := parameters.monitoring.exposed:
        try:
            found = scraped(exposed, parameters.environment)
        except (NotExposed, SecretMissing) as error:
            yield Line("metrics", False, f"{place_of(parameters.path, ('monitoring', 'exposed'))}: {error}")
            return
        told = f"{len(found.series)} series of {plural(len(found.families), 'metric')}"
        yield Line("metrics", True, f"{told}, scraped in {found.seconds * 1000:.0f} ms")


def _programs(parameters: Parameters) -> Iterator[Line]:
    """Tell which of Prometheus' programs are missing, without which some checks say nothing."""
    assert parameters.monitoring
    wanted = {"promtool": bool(parameters.monitoring.tests), "prometheus": bool(parameters.monitoring.fires)}
    for name, is_wanted in wanted.items():
        if is_wanted and shutil.which(name) is None:
            yield Line("monitoring", False, f"{name} is not installed, so that the checks that need it say nothing")
