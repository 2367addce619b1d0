"""The sample from the command line: python -m examples.listings up."""

import sys
from argparse import ArgumentTypeError, Namespace
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from examples.command_line import Example, Parser, main
from examples.control import call

from .sample import Sample

MOST = 100_000


def options(parser: Parser) -> None:
    parser.add_argument("--size", type=_size, default=200, help=f"listings, at most {MOST} (default 200)")


def _size(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MOST:
        raise ArgumentTypeError(f"{text} is no number of listings from 1 to {MOST}")
    return int(text)


def running(arguments: Namespace, answers: Path) -> AbstractContextManager[Sample]:
    from .launcher import running

    return running(arguments.size, arguments.seed, answers=answers)


def report(sample: Sample) -> dict[str, Any]:
    call(f"{sample.marketplace_url}/healthz")
    return {
        "api": sample.api_url,
        "marketplace": sample.marketplace_url,
        "health": call(f"{sample.api_url}/healthz"),
        "switches": {"api": sample.switches()},
    }


LISTINGS = Example(
    parts="its database, a marketplace and its API",
    options=options,
    running=running,
    sample=Sample,
    report=report,
)

if __name__ == "__main__":
    sys.exit(main(LISTINGS))
