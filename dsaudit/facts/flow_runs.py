"""The flows of the section ``flows``, as those who watch them need them: what each moves, and a way to do one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from dsaudit.flows import ran

if TYPE_CHECKING:
    from dsaudit.audit import Audit
    from dsaudit.parameters import Parameters
    from dsaudit.progress import Progress


def moved(parameters: Parameters) -> dict[str, dict[str, float]]:
    """Return the flows that say which metrics they move, each with the differences, by metric and labels."""
    flows = getattr(parameters.whole, "flows", None) or []
    return {flow.name: dict(flow.metrics) for flow in flows if flow.metrics}


def run(audit: Audit, name: str, progress: Progress, look: Callable[[], None] | None = None) -> str | None:
    """Do a flow once, and return why it could not be done, or None.

    `look` is called when its steps are done and all that it made is still there; not where it could not be done.
    """
    seen = ran(audit, name, progress, look)
    problem: str | None = seen["problem"] or seen["left"]
    return problem
