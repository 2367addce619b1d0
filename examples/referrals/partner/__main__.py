"""Runs the partner's API until it is told to stop: `python -m examples.referrals.partner --port 8080`."""

import argparse
import os
import sys

import uvicorn

from .application import build


def main() -> int:
    parser = argparse.ArgumentParser("python -m examples.referrals.partner", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="port on 127.0.0.1")
    parser.add_argument("--seed", type=int, default=7, help="chooses the referrals")
    given = parser.parse_args()
    application = build(os.environ["REFERRALS_PARTNER_TOKEN"], os.environ["REFERRALS_CONTROL_TOKEN"], given.seed)
    uvicorn.run(
        application,
        host="127.0.0.1",
        port=given.port,
        http="h11",
        ws="none",
        lifespan="off",
        log_level="warning",
        timeout_graceful_shutdown=1,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
