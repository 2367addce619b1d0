"""Switches that make this app misbehave, so that an audit of it has something to find.

They stand in a file, as a JSON list of names, and are looked up wherever one is used; without the file, or without its
name in it, the path is right.
"""

import json
import os
import signal
from pathlib import Path
from typing import Any, NoReturn

from celery.signals import worker_process_init

from app.core.config import get_settings

_main_process = 0  # of the worker that this process belongs to


def is_on(name: str) -> bool:
    path = get_settings().faults_file
    try:
        return path is not None and name in json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return False


@worker_process_init.connect
def _remember_main_process(**_: Any) -> None:
    global _main_process
    _main_process = os.getppid()


def end_worker() -> NoReturn:
    """End the worker's main process, if it still is our parent, and this process of its pool."""
    if os.getppid() == _main_process:
        os.kill(_main_process, signal.SIGKILL)
    os._exit(1)
