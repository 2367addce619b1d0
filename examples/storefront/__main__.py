"""The sample from the command line: python -m examples.storefront up."""

import argparse
import json
import os
import select
import shutil
import signal
import sys
import time
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

from dsaudit import progress
from dsaudit.server import ServerError

from . import state
from .control import SampleError, poll
from .sample import Sample

STOP_SECONDS = 60
COULD_NOT_START = 3  # as dsaudit itself exits
READER_GONE = 141  # as a shell says it: 128 and the signal


def main() -> int:
    arguments = _parser().parse_args()
    arguments.state = arguments.state.absolute()
    try:
        arguments.run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return READER_GONE
    except (SampleError, ServerError) as error:
        print(error, file=sys.stderr)
        return COULD_NOT_START
    return 0


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(COULD_NOT_START, f"{self.format_usage()}{self.prog}: {message}\n")


def _parser() -> Parser:
    parser = Parser(prog=state.COMMAND, description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")

    def command(function: Any, help_text: str) -> Parser:
        added = commands.add_parser(function.__name__, help=help_text, description=help_text)
        added.add_argument("--state", type=Path, default=state.default_path(), help="the file that tells of the sample")
        added.set_defaults(run=function)
        return added

    started = command(up, "start the sample and keep it up, until Ctrl-C, 'down' or idleness")
    started.add_argument("--size", type=int, default=100, help="orders, both shops together (default 100)")
    started.add_argument("--seed", type=int, default=7, help="chooses the data (default 7)")
    started.add_argument("--idle", type=float, default=3600, help="end after so many seconds without use")
    started.add_argument("--still", action="store_true", help="no live changes after the first reading")
    started.add_argument("--attached", action="store_true", help="end when standard input ends")
    command(down, "end the sample")
    command(status, "say what is up, in flight and switched on")
    planting = command(plant, "cause a fault and print what an audit has to find")
    planting.add_argument("fault")
    planting.add_argument("--seed", type=int, default=1, help="chooses the rows (default 1)")
    command(heal, "clear all switches and read everything again")
    command(faults, "list the faults that can be planted")
    command(tour, "list the faults that can be planted side by side")
    changing = command(change, "let live changes happen at the source")
    changing.add_argument("count", type=int)
    command(settle, "wait until nothing is in flight")
    return parser


def up(arguments: argparse.Namespace) -> None:
    from .launcher import running

    for signal_ in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signal_, _leave)
    started = time.monotonic()
    path = arguments.state
    answers = path.with_name(f"{path.stem}-answers")
    with ExitStack() as stack:
        stack.enter_context(state.claimed(path))
        stack.callback(shutil.rmtree, answers, ignore_errors=True)
        launched = running(arguments.size, arguments.seed, not arguments.still, cloneable=False, answers=answers)
        with progress.shown() as show:
            show("starting the storefront: its database, its source, its backend, and a first sync")
            sample = stack.enter_context(launched)
        places = {"answers": str(answers), "copy": str(sample.copy), "parameters": str(sample.parameters)}
        state.write(path, {"pid": os.getpid(), "ready": True, **asdict(sample), **places})
        print(f"The storefront is up after {time.monotonic() - started:.1f} s; its addresses: {path}", flush=True)
        if not arguments.attached:
            print(f"It stays up until Ctrl-C or `{state.COMMAND} down`.", flush=True)
        _watch(sample, path, arguments.idle, arguments.attached)


def _leave(*_: object) -> NoReturn:
    sys.exit(0)


def _watch(sample: Sample, path: Path, idle: float, attached: bool) -> None:
    """Return when nobody uses the sample any more; raise SampleError when a part of it has ended by itself."""
    while path.exists() and time.time() - path.stat().st_mtime < idle:
        readable, _, _ = select.select([sys.stdin] if attached else [], [], [], min(1, idle))
        if readable and not os.read(sys.stdin.fileno(), 4096):
            return
        sample.source_control("status")
        sample.backend_control("status")


def down(arguments: argparse.Namespace) -> None:
    if not state.is_up(arguments.state):
        print(f"No sample is up at {arguments.state}.")
        return
    pid = state.holder(arguments.state)
    os.kill(pid, signal.SIGTERM)
    for _ in poll(STOP_SECONDS):
        if not state.is_up(arguments.state):
            return
    raise SampleError(f"process {pid} has not ended after {STOP_SECONDS} s")


def status(arguments: argparse.Namespace) -> None:
    found = state.read(arguments.state)
    sample = _sample(found)
    source, backend = sample.source_control("status"), sample.backend_control("status")
    report = {
        "pid": found["pid"],
        "source": sample.source_url,
        "backend": sample.backend_url,
        "in flight": {"deliveries": source["pending_deliveries"], "refinements": backend["pending"]},
        "switches": dict(zip(("source", "backend"), sample.switches(), strict=True)),
    }
    print(json.dumps(report, indent=1))


def plant(arguments: argparse.Namespace) -> None:
    print(_attach(arguments).plant(arguments.fault, arguments.seed).to_json())


def heal(arguments: argparse.Namespace) -> None:
    _attach(arguments).heal()
    print("All faults are switched off. Rows that one stored wrong stay; a new sample has none.")


def faults(arguments: argparse.Namespace) -> None:
    from .faults import FAULTS, LIVE_FAULTS

    for name, fault in (FAULTS | LIVE_FAULTS).items():
        print(f"{name}: {(fault.__doc__ or '').splitlines()[0]}")


def tour(arguments: argparse.Namespace) -> None:
    from .faults import TOUR

    print("\n".join(TOUR))


def change(arguments: argparse.Namespace) -> None:
    print(json.dumps(_attach(arguments).change(arguments.count)))


def settle(arguments: argparse.Namespace) -> None:
    _attach(arguments).settle()


def _attach(arguments: argparse.Namespace) -> Sample:
    return _sample(state.read(arguments.state))


def _sample(found: dict[str, Any]) -> Sample:
    """The sample of another process, as that one wrote it down."""
    values = {name: value for name, value in found.items() if name not in ("pid", "ready", "parameters")}
    return Sample(**{**values, "answers": Path(values["answers"]), "copy": Path(values["copy"])})


if __name__ == "__main__":
    sys.exit(main())
