"""The sample from the command line: python -m examples.storefront up."""

import sys
from argparse import Namespace
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from examples.command_line import Example, Parser, main

from .sample import Sample


def options(parser: Parser) -> None:
    parser.add_argument("--size", type=int, default=100, help="orders, both shops together (default 100)")
    parser.add_argument("--still", action="store_true", help="no live changes after the first reading")


def running(arguments: Namespace, answers: Path) -> AbstractContextManager[Sample]:
    from .launcher import running

    return running(arguments.size, arguments.seed, not arguments.still, cloneable=False, answers=answers)


def report(sample: Sample) -> dict[str, Any]:
    source, backend = sample.source_control("status"), sample.backend_control("status")
    return {
        "source": sample.source_url,
        "backend": sample.backend_url,
        "in flight": {"deliveries": source["pending_deliveries"], "refinements": backend["pending"]},
        "switches": dict(zip(("source", "backend"), sample.switches(), strict=True)),
    }


STOREFRONT = Example(
    parts="its database, its source, its backend, and a first sync",
    healed="All faults are switched off. Rows that one stored wrong stay; a new sample has none.",
    options=options,
    running=running,
    sample=Sample,
    report=report,
)

if __name__ == "__main__":
    sys.exit(main(STOREFRONT))
