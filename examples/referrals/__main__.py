"""The sample from the command line: python -m examples.referrals up."""

import sys
from argparse import Namespace
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from examples.command_line import Example, Parser, main
from examples.control import SampleError

from .sample import Sample


def options(parser: Parser) -> None:
    parser.add_argument("--interval", type=float, default=6, help="seconds between two scheduled syncs (default 6)")


def running(arguments: Namespace, answers: Path) -> AbstractContextManager[Sample]:
    from .launcher import running

    return running(arguments.seed, arguments.interval, answers=answers)


def report(sample: Sample) -> dict[str, Any]:
    partner, platform = sample.partner("status"), sample.platform("status")
    if platform["api"] != "up":  # that a worker has ended may be a fault that was planted
        raise SampleError("the API has ended by itself")
    return {
        "partner": sample.partner_url,
        "api": sample.api_url,
        "platform": sample.platform_url,
        "app": {name: value for name, value in platform.items() if name != "faults"},
        "waiting": sample.waiting(),
        "switches": {"partner": partner["faults"], "app": platform["faults"]},
    }


REFERRALS = Example(
    parts="its database, its partner, its broker, its app, and a first sync",
    options=options,
    running=running,
    sample=Sample,
    report=report,
)

if __name__ == "__main__":
    sys.exit(main(REFERRALS))
