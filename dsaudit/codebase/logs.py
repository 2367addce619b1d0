"""Whether a function logs: a call on a logger, its own or a helper's; and the words that the code logs with."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from dsaudit.codebase.findings import Finding
from dsaudit.codebase.knowledge import LOG_METHODS, is_logger_call
from dsaudit.codebase.model import Code
from dsaudit.codebase.nodes import terminal
from dsaudit.codebase.reach import Reach
from dsaudit.codebase.sites import Site

WORD = re.compile(r"[^\W\d]\w*")  # as `dsaudit.facts.messages` tells words apart


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


def logged_words(code: Code) -> frozenset[str]:
    """The words that the code itself logs with: those of the first argument of whatever is called like a logger's."""
    return code.once("logged words", lambda: frozenset(_logged_words(code)))


def _logged_words(code: Code) -> Iterator[str]:
    for module in code.modules.values():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in LOG_METHODS:
                for one in node.args[:1]:
                    told = (part.value for part in ast.walk(one) if isinstance(part, ast.Constant))
                    yield from (word for text in told if isinstance(text, str) for word in WORD.findall(text))
