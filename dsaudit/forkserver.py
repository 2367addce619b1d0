"""The process that kernels are forked from: it has imported, drawn and read what each of them would have to.

On Linux alone: elsewhere libraries may not bear a fork, and a kernel is a process that imports everything itself.
"""

from __future__ import annotations

import multiprocessing
import multiprocessing.context
import os
import signal
import sys
from multiprocessing import forkserver, resource_tracker
from pathlib import Path

IS_USED = sys.platform == "linux"
SYSTEM = "DSAUDIT_SYSTEM"  # names the parameter file for the process, which gets nothing but its environment


def prepare(system: Path | None = None) -> None:
    """Have the process begin, so that it is ready when the first kernel is wanted, one that audits this `system`."""
    if IS_USED:
        os.environ[SYSTEM] = str(system or "")
        context()


def context() -> multiprocessing.context.ForkServerContext:
    """Return what starts processes by a fork of this one, which runs then; they begin with SIGINT blocked."""
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload(["dsaudit.audit.preloaded"])
    resource_tracker.ensure_running()  # which would be started too, and lets SIGINT through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # Ctrl-C in the terminal is the runner's
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return server
