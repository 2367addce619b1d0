"""Starts kernels by a fork of one process that has done what they all need: a start takes a tenth of the time."""

from __future__ import annotations

import asyncio
import contextlib
import math
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from queue import Empty
from typing import Any
from uuid import uuid4

import psutil
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from dsaudit import forkserver, handoff

NAME = "a kernel of dsaudit"
LOOK = 0.002  # seconds after which is looked again whether a kernel listens
LONGEST_START = 10  # seconds
POLLED = 0.01  # seconds after which is looked again whether a kernel has ended
LAST_TENTHS = 100  # of a second that a kernel whose runner was killed may take to delete what it made
_WAITING: list[tuple[BaseProcess, Connection]] = []  # that were forked ahead
INLINE = "module://matplotlib_inline.backend_inline"


class Kernel:
    """A forked kernel, with what jupyter_client asks of a process."""

    stdin = stdout = stderr = None

    def __init__(self, arguments: list[str], environment: dict[str, str], folder: str | None) -> None:
        try:
            self._process, line = _WAITING.pop()
        except IndexError:
            self._process, line = _forked()
        with line, contextlib.suppress(BrokenPipeError):  # one that has died is seen to have
            line.send((arguments, environment, folder))

    def poll(self) -> int | None:
        """Return how the process ended, None while it runs."""
        return self._process.exitcode

    def wait(self) -> int | None:
        """Wait for the end of the process."""
        self._process.join()
        return self.poll()

    def send_signal(self, number: int) -> None:
        """Send a signal to the process."""
        os.kill(self._process.pid or 0, number) if self.poll() is None else None

    def kill(self) -> None:
        """End the process at once."""
        self._process.kill()

    def terminate(self) -> None:
        """Ask the process to end."""
        self._process.terminate()


class Forked(LocalProvisioner):
    """Gives a kernel manager forked kernels."""

    process: Any = None

    async def launch_kernel(self, cmd: list[str], **given: Any) -> Any:
        """Fork a kernel for the arguments that `cmd` has for ``ipykernel_launcher``."""
        arguments = cmd[cmd.index("ipykernel_launcher") + 1 :]
        self.process = Kernel(arguments, dict(given["env"]), given.get("cwd"))
        await self._listened()
        return self.connection_info

    async def _listened(self) -> None:
        """Wait for the kernel's sockets, if they are files: who connects before is let wait for a tenth of a second."""
        info, ends = self.connection_info, time.monotonic() + LONGEST_START
        paths = [Path(f"{info['ip']}-{port}") for name, port in info.items() if name.endswith("_port")]
        while info["transport"] == "ipc" and not all(path.exists() for path in paths):
            if self.process.poll() is not None or time.monotonic() > ends:
                return  # which is told by who waits for an answer
            await asyncio.sleep(LOOK)


class Client(AsyncKernelClient):
    """A client that is ready as soon as its kernel is."""

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Wait until the kernel answers and is heard.

        Not until it has been silent for a while after that: what it says of other requests, nbclient leaves out.

        Raises
        ------
        RuntimeError
            The kernel has died, or takes more than `timeout` seconds.
        """
        ends = math.inf if timeout is None else time.monotonic() + timeout
        while time.monotonic() < ends and await self.is_alive():
            self.kernel_info()
            with contextlib.suppress(Empty):
                await self.get_shell_msg(timeout=1)
                await self.get_iopub_msg(timeout=0.2)
                return
        raise RuntimeError("the kernel died, or did not answer, before it was ready")


class Manager(AsyncKernelManager):
    """A kernel manager whose kernels are forked."""

    client_factory = Client

    async def _async_wait(self, pollinterval: float = POLLED) -> None:
        await super()._async_wait(min(pollinterval, POLLED))

    async def _async_pre_start_kernel(self, **given: Any) -> Any:
        if self.provisioner is None:
            self.kernel_id = str(uuid4())
            self.provisioner = Forked(kernel_id=self.kernel_id, kernel_spec=self.kernel_spec, parent=self)
        return await super()._async_pre_start_kernel(**given)


def _forked() -> tuple[BaseProcess, Connection]:
    """Fork a process that is a kernel as soon as it is told which; return it, and the line for that."""
    theirs, ours = multiprocessing.Pipe(duplex=False)
    process = forkserver.context().Process(target=_serve, args=(theirs,), name=NAME)
    process.start()
    theirs.close()
    return process, ours


def fork_ahead(count: int, is_wanted: Callable[[], bool]) -> None:
    """Fork so many kernels that wait, as long as they are wanted; it takes until what they come from is ready."""
    for _ in range(count if forkserver.IS_USED else 0):
        if is_wanted():
            _WAITING.append(_forked())


def let_go() -> None:
    """End the kernels that still wait."""
    while _WAITING:
        process, line = _WAITING.pop()
        line.close()
        process.join()


def kill_all() -> None:
    """End all kernels of this process at once."""
    for kernel in _all():
        with contextlib.suppress(psutil.Error):
            kernel.kill()


def interrupt_all() -> None:
    """Stop what runs in the kernels of this process, as Ctrl-C does; they clean up, and live on."""
    for kernel in _all():
        with contextlib.suppress(psutil.Error):
            kernel.send_signal(signal.SIGINT)


def _all() -> Iterator[psutil.Process]:
    """Yield the kernels of this process, forked or not."""
    for forked in multiprocessing.active_children():
        with contextlib.suppress(psutil.Error):
            if forked.name == NAME and forked.pid:
                yield psutil.Process(forked.pid)
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.Error):
            if "ipykernel_launcher" in child.cmdline():
                yield child


MANAGER = Manager if forkserver.IS_USED else AsyncKernelManager


def _serve(line: Connection) -> None:
    """Be a kernel in the process that was forked, as if it had been started with the environment that it is told."""
    os.setsid()  # Ctrl-C in the terminal is the runner's
    try:
        arguments, environment, folder = line.recv()
    except EOFError:  # none was wanted, or the runner is gone
        return
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    if folder:
        os.chdir(folder)
    _without_terminal()
    parent = multiprocessing.parent_process()
    assert parent is not None
    threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()
    import matplotlib as mpl
    import numpy as np
    from ipykernel.kernelapp import launch_new_instance

    np.random.seed()  # else all would draw the same; Python's own is seeded anew by a fork
    mpl.rcParams["backend"] = environment.get("MPLBACKEND", INLINE)  # it was imported before a kernel could say so
    sys.argv = ["ipykernel_launcher", *arguments]
    launch_new_instance([*arguments, f"--IPKernelApp.parent_handle={os.getppid()}"])


def _without_terminal() -> None:
    """Keep what a process prints that a cell starts off the terminal, and out of a pipeline's log."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for terminal in (1, 2):
        os.dup2(nowhere, terminal)
    os.close(nowhere)


def _end_with(sentinel: int) -> None:
    """End this process with the runner's; a check that has made a record at the source may delete it first."""
    wait([sentinel])
    note = Path(os.environ.get(handoff.VARIABLE, "none")).with_name(handoff.LEFT)
    if note.is_file():
        os.kill(os.getpid(), signal.SIGINT)
        for _ in range(LAST_TENTHS):
            if note.is_file():
                time.sleep(0.1)
    os._exit(1)
