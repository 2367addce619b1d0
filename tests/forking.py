"""The process that kernels and the processes of samples are forked from, made ready for both."""

from __future__ import annotations

import multiprocessing
from multiprocessing import forkserver

from examples.referrals.processes import PRELOADED as REFERRALS
from examples.storefront.processes import PRELOADED as STOREFRONT

KERNELS = "dsaudit.audit.preloaded"


def begin() -> None:
    """Start it with what either of them imports; else it has what the first of them asks for, and the others wait."""
    multiprocessing.get_context("forkserver").set_forkserver_preload([KERNELS, *STOREFRONT, *REFERRALS])
    forkserver.ensure_running()
