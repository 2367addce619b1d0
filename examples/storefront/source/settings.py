"""What the process is told when it starts."""

import argparse
import os
import secrets
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    port: int
    data: Path
    size: int
    seed: int
    bucket: int
    rate: float
    token: str
    write_token: str
    webhook_secret: str
    control_token: str


def _secret(name: str) -> str:
    return os.environ.get(name) or secrets.token_hex(16)


def from_command_line(arguments: list[str] | None = None) -> Settings:
    parser = argparse.ArgumentParser("python -m examples.storefront.source", description="A commerce API for tests.")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--data", type=Path, required=True, help="SQLite file; filled if it is not there")
    parser.add_argument("--size", type=int, default=100, help="orders in a new file, both shops together")
    parser.add_argument("--seed", type=int, default=7, help="seed of a new file")
    parser.add_argument("--bucket", type=int, default=200, help="requests that fit into a shop's bucket")
    parser.add_argument("--rate", type=float, default=400, help="requests a second that leak from it")
    given = parser.parse_args(arguments)
    return Settings(
        **vars(given),
        token=_secret("STOREFRONT_TOKEN"),
        write_token=_secret("STOREFRONT_WRITE_TOKEN"),
        webhook_secret=_secret("STOREFRONT_WEBHOOK_SECRET"),
        control_token=_secret("STOREFRONT_CONTROL_TOKEN"),
    )
