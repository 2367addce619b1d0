"""What the samples' command lines have in common: python -m examples.<name> up."""

import argparse
import json
import os
import select
import shutil
import signal
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

from dsaudit import progress
from dsaudit.server import ServerError
from examples import state
from examples.control import SampleError, poll
from examples.planting import faults_of
from examples.sample import RunningSample

STOP_SECONDS = 60
HEAL_SECONDS = 10  # for which a part may be out of reach: while it is healed, the database is not there
COULD_NOT_START = 3  # as dsaudit itself exits
READER_GONE = 141  # as a shell says it: 128 and the signal


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(COULD_NOT_START, f"{self.format_usage()}{self.prog}: {message}\n")


@dataclass(frozen=True)
class Example:
    """A sample as its command line sees it.

    `running` starts it as the arguments of `up` say, with a folder for the answer keys; `sample` is its class, whose
    values stand in the state file; `report` is what `status` shows of it, and fails when a part of it is gone; `parts`
    and `healed` are said to the user.
    """

    parts: str
    options: Callable[[Parser], None]
    running: Callable[[argparse.Namespace, Path], AbstractContextManager[Any]]
    sample: type[RunningSample]
    report: Callable[[Any], dict[str, Any]]
    healed: str = "Everything is as it was when the sample had started."

    @property
    def name(self) -> str:
        return self.sample.example

    @property
    def command(self) -> str:
        return state.command(self.name)


def main(example: Example) -> int:
    arguments = _parser(example).parse_args()
    arguments.state = arguments.state.absolute()
    try:
        arguments.run(example, arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return READER_GONE
    except (SampleError, ServerError) as error:
        print(error, file=sys.stderr)
        return COULD_NOT_START
    return 0


def _parser(example: Example) -> Parser:
    parser = Parser(prog=example.command, description=f"The sample {example.name} from the command line.")
    commands = parser.add_subparsers(required=True, metavar="command")

    def command(function: Any, help_text: str) -> Parser:
        added = commands.add_parser(function.__name__, help=help_text, description=help_text)
        place = state.default_path(example.name)
        added.add_argument("--state", type=Path, default=place, help="the file that tells of the sample")
        added.set_defaults(run=function)
        return added

    started = command(up, "start the sample and keep it up, until Ctrl-C, 'down' or idleness")
    example.options(started)
    started.add_argument("--seed", type=int, default=7, help="chooses the data (default 7)")
    started.add_argument("--idle", type=float, default=3600, help="end after so many seconds without use")
    started.add_argument("--attached", action="store_true", help="end when standard input ends")
    command(down, "end the sample")
    command(status, "say what is up, in flight and switched on")
    planting = command(plant, "cause a fault and print what an audit has to find")
    planting.add_argument("fault")
    planting.add_argument("--seed", type=int, default=1, help="chooses the rows (default 1)")
    planting.add_argument("--json", action="store_true", help="print it as the answer key has it")
    command(heal, "put right what faults did")
    command(faults, "list the faults that can be planted")
    command(tour, "list the faults that can be planted side by side")
    changing = command(change, "let changes happen at the source")
    changing.add_argument("count", type=int)
    command(settle, "wait until nothing is in flight")
    return parser


def up(example: Example, arguments: argparse.Namespace) -> None:
    for signal_ in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signal_, _leave)
    started = time.monotonic()
    path = arguments.state
    answers = path.with_name(f"{path.stem}-answers")
    with ExitStack() as stack:
        stack.enter_context(state.claimed(path))
        stack.callback(shutil.rmtree, answers, ignore_errors=True)
        with progress.shown() as show:
            show(f"starting the {example.name}: {example.parts}")
            sample = stack.enter_context(example.running(arguments, answers))
        places = {"answers": str(answers), "copy": str(sample.copy), "parameters": str(sample.parameters)}
        state.write(path, {"pid": os.getpid(), "ready": True, **asdict(sample), **places})
        took = time.monotonic() - started
        print(f"The {example.name} sample is up after {took:.1f} s; its addresses: {path}", flush=True)
        if not arguments.attached:
            print(f"It stays up until Ctrl-C or `{example.command} down`.", flush=True)
        _watch(example, sample, path, arguments.idle, arguments.attached)


def _leave(*_: object) -> NoReturn:
    sys.exit(0)


def _watch(example: Example, sample: Any, path: Path, idle: float, attached: bool) -> None:
    """Return when nobody uses the sample any more; raise SampleError when a part of it has ended by itself."""
    while path.exists() and time.time() - path.stat().st_mtime < idle:
        readable, _, _ = select.select([sys.stdin] if attached else [], [], [], min(1, idle))
        if readable and not os.read(sys.stdin.fileno(), 4096):
            return
        for _ in poll(HEAL_SECONDS, pause=0.5):
            with suppress(SampleError):
                example.report(sample)
                break
        else:
            example.report(sample)  # raises what is wrong


def down(example: Example, arguments: argparse.Namespace) -> None:
    if not state.is_up(arguments.state):
        print(f"No sample is up at {arguments.state}.")
        return
    pid = state.holder(arguments.state)
    os.kill(pid, signal.SIGTERM)
    for _ in poll(STOP_SECONDS):
        if not state.is_up(arguments.state):
            return
    raise SampleError(f"process {pid} has not ended after {STOP_SECONDS} s")


def status(example: Example, arguments: argparse.Namespace) -> None:
    found = state.read(arguments.state, example.name)
    print(json.dumps({"pid": found["pid"], **example.report(_sample(example, found))}, indent=1))


def plant(example: Example, arguments: argparse.Namespace) -> None:
    planted = _attach(example, arguments).plant(arguments.fault, arguments.seed)
    print(planted.to_json() if arguments.json else planted.in_words())


def heal(example: Example, arguments: argparse.Namespace) -> None:
    _attach(example, arguments).heal()
    print(example.healed)


def faults(example: Example, arguments: argparse.Namespace) -> None:
    for name, fault in faults_of(example.name).items():
        print(f"{name}: {(fault.__doc__ or '').splitlines()[0]}")


def tour(example: Example, arguments: argparse.Namespace) -> None:
    print("\n".join(import_module(f"examples.{example.name}.faults").TOUR))


def change(example: Example, arguments: argparse.Namespace) -> None:
    print(json.dumps(_attach(example, arguments).change(arguments.count)))


def settle(example: Example, arguments: argparse.Namespace) -> None:
    _attach(example, arguments).settle()


def _attach(example: Example, arguments: argparse.Namespace) -> Any:
    return _sample(example, state.read(arguments.state, example.name))


def _sample(example: Example, found: dict[str, Any]) -> Any:
    """The sample of another process, as that one wrote it down."""
    values = {name: value for name, value in found.items() if name not in ("pid", "ready", "parameters")}
    return example.sample(**{**values, "answers": Path(values["answers"]), "copy": Path(values["copy"])})
