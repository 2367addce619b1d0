"""What is there for exploring by hand: frames, whole in their types and masked in their texts, and unmasking them."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pandas as pd

from dsaudit.audit.rows import OURS
from dsaudit.checks import Check, CheckError, find_table
from dsaudit.wording import did_you_mean

if TYPE_CHECKING:
    from dsaudit.audit import Audit


def differences(audit: Audit, resource: str) -> pd.DataFrame:
    """Return what `Audit.differences` does."""
    known = audit.parameters.resources
    if resource and resource not in known:
        hint = did_you_mean(resource, known, f"there are {', '.join(known)}")
        raise CheckError(f"{audit.parameters.path.name} has no resource {resource!r}; {hint}")
    frame = audit.frame("differences")
    if resource and len(frame):
        frame = frame[frame["resource"] == resource].reset_index(drop=True)
    return frame if audit.revealed else _masked(audit, find_table("differences"), frame)


def _masked(audit: Audit, query: Check, frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame in which each text that may not be displayed is replaced by its name under the mask."""
    shown = {*query.listed("show"), *audit.parameters.show, *OURS}
    keys = query.listed("key")
    told = {}
    for name in frame.columns:
        if name not in shown and frame[name].dtype.kind not in "biufMm":
            values = [audit.mask.value(value, shown=False, key=name in keys) for value in frame[name]]
            told[name] = pd.Series(values, frame.index, object)
    frame = frame.assign(**told)
    ends = frame.attrs.get("ends", {})
    frame.attrs["ends"] = {
        tenant: {name: [audit.mask.value(one, shown=False, key=True) for one in two] for name, two in inside.items()}
        for tenant, inside in ends.items()
    }
    return frame


def refuse_to_reveal(is_run: bool) -> None:
    """Raise where what is unmasked would be kept or read by nobody: in a run, papermill, nbconvert, a pipeline.

    A front end with a person before it lets a cell ask for input; what executes notebooks on its own does not.
    """
    from IPython import get_ipython

    if is_run:
        raise PermissionError("nothing is unmasked in a run: its outputs become a report")
    kernel = getattr(get_ipython(), "kernel", None)
    asked = kernel.get_parent("shell").get("content", {}) if kernel else {}
    watched = asked.get("allow_stdin", False) if kernel else is_interactive() or sys.stdout.isatty()
    if not watched:
        raise PermissionError("values are unmasked before a person's eyes only: in a front end or on a terminal")


def is_interactive() -> bool:
    """Return whether a person looks at the notebook: JupyterLab and VS Code name the session in the environment."""
    return bool(os.environ.get("JPY_SESSION_NAME") or os.environ.get("VSCODE_PID"))
