"""The checks of the datasource blueprint: those that act, and so run only when they are asked to, and the others."""

from __future__ import annotations

from dsaudit.checks import all_checks, notebooks
from dsaudit.checks.planning import check_calls
from dsaudit.parameters import project_root


def called(blueprint: str) -> list[str]:
    """Return the checks that the notebooks of a blueprint call, in their order."""
    paths = notebooks(project_root() / "notebooks" / blueprint)
    return [name for path in paths for _, name in check_calls(path) if name]


CALLED = called("datasource")
ACTING = {name for name in CALLED if "acts" in all_checks()[name].headers}
READING = sorted(set(CALLED) - ACTING)
