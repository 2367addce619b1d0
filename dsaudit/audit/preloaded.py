"""What the process has done that kernels are forked from, before the first of them: it is imported there, for that.

None of it depends on the audited system but the reading of its code, which a kernel takes only where it finds the same.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import pkgutil
import sys
import time

from dsaudit.forkserver import SYSTEM

# Slow to import, and taken only where they are there: nobody debugs a kernel without a front end, and the other, a
# grammar of addresses, serves a format that nothing here declares.
for absent in ("debugpy", "rfc3987_syntax"):
    sys.modules.setdefault(absent, None)  # type: ignore[arg-type]

BESIDE = 1.0  # seconds for which code is judged here: as long as the source is read, no kernel is wanted


def _import() -> None:
    import ipykernel.kernelapp  # noqa: F401
    import sqlalchemy

    from dsaudit import functions, plots  # noqa: F401
    from dsaudit.checks import all_checks

    sqlalchemy.create_engine("postgresql+psycopg://")  # which loads its dialect, and connects to nothing
    for module in pkgutil.walk_packages(functions.__path__, f"{functions.__name__}."):
        importlib.import_module(module.name)
    all_checks()


def _draw() -> None:
    """Let matplotlib find its fonts and load what makes a picture; pyplot would choose its backend for good."""
    import matplotlib as mpl

    from dsaudit import canvas

    with mpl.rc_context(canvas.STYLE):
        figure = canvas.Told(layout="constrained")
        figure.add_subplot().set_title("as every plot", loc="left")
        figure.as_png()


def _read() -> None:
    from dsaudit import codebase
    from dsaudit.facts.sync_code import judged
    from dsaudit.parameters import load

    if system := os.environ.get(SYSTEM):
        parameters = load(system, is_recorded=True)
        if parameters.code:
            code, begun = codebase.read(parameters.folder(parameters.code.folder)), time.monotonic()
            for one in parameters.resources.values() if parameters.source else ():
                if one.sync and time.monotonic() - begun < BESIDE:
                    judged(code, one.sync, parameters.code.sync)


for step in (_import, _draw, _read):
    with contextlib.suppress(Exception):  # what breaks here breaks again in a kernel, where it is told
        step()
gc.collect()
gc.freeze()  # what is there already is neither looked through by a kernel nor copied for that
