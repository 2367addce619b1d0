"""Whether a function logs: a call on a logger, its own or a helper's."""

from __future__ import annotations

from dsaudit.codebase.findings import Finding
from dsaudit.codebase.knowledge import LOG_METHODS, is_logger_call
from dsaudit.codebase.nodes import terminal
from dsaudit.codebase.reach import Reach
from dsaudit.codebase.sites import Site


def logging(reach: Reach) -> Finding | None:
    """Found at the nearest call on a logger; a wrapper around a logger is followed and shown where it is called."""
    for site in reach.all_sites():
        if site.kind == "call" and any(is_logger_call(ref) for ref in site.refs):
            shown = _outermost(site, reach)
            how = f"{terminal(shown.node)} is logged, in {reach.way(shown.unit)}"
            return Finding("found", shown.unit.file, shown.line, how)
    return None


def _outermost(site: Site, reach: Reach) -> Site:
    """The call of a logging method of the code's own, where the logger itself stands inside it."""
    way = reach.units[site.unit]
    if not way or site.unit.name not in LOG_METHODS:
        return site
    for outer in reach.sites[way[-1]]:
        if site.unit in reach.followed(outer):
            return _outermost(outer, reach)
    return site
