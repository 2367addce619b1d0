"""The sample from the command line: python -m examples.discovery up."""

import sys
from argparse import ArgumentTypeError, Namespace
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from examples.command_line import Example, Parser, main
from examples.control import call

from .sample import Sample


def options(parser: Parser) -> None:
    parser.add_argument("--size", type=_positive, default=200, help="assets, both clients together (default 200)")


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text} is no number of assets from 1 on")
    return int(text)


def running(arguments: Namespace, answers: Path) -> AbstractContextManager[Sample]:
    from .launcher import running

    return running(arguments.size, arguments.seed, answers=answers)


def report(sample: Sample) -> dict[str, Any]:
    return {
        "api": sample.api_url,
        "health": call(f"{sample.api_url}/healthz")["data"],
        "switches": {"api": sample.switches()},
    }


DISCOVERY = Example(
    parts="its database and its API",
    options=options,
    running=running,
    sample=Sample,
    report=report,
)

if __name__ == "__main__":
    sys.exit(main(DISCOVERY))
