"""What all running samples have in common: where they are, their database, and how faults are planted in them."""

from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, ClassVar

import psycopg
from psycopg.rows import dict_row

from examples.answer_key import Planted, recorded
from examples.planting import chosen


@dataclass(frozen=True)
class RunningSample:
    """Addresses and secrets of a sample, which may be another process's: everything goes through its servers."""

    example: ClassVar[str]
    parameter_file: ClassVar[str]

    environment: dict[str, str] = field(repr=False)
    owner_url: str = field(repr=False)
    seed: int
    answers: Path
    # A copy of the project, as far as the sample is made of it: parameter file, code and documents. Faults edit those.
    copy: Path

    @property
    def parameters(self) -> Path:
        """The parameter file; the folders that it names are looked up from the folder above its own."""
        return self.copy / "parameters" / self.parameter_file

    @property
    def code(self) -> Path:
        """The app's code and documents."""
        return self.copy / "examples" / self.example / "backend"

    def owner(self) -> psycopg.Connection[Any]:
        """A connection that may write and sees every tenant's rows; for planters and tests alone."""
        return psycopg.connect(self.owner_url)

    def rows(self, query: str, *values: object) -> list[dict[str, Any]]:
        with self.owner() as connection:
            return connection.cursor(row_factory=dict_row).execute(query, values).fetchall()

    def plant(self, fault: str, seed: int = 1) -> Planted:
        """Cause a fault, and write down what an audit has to say of it; `seed` chooses the rows."""
        planted = chosen(fault, self.example)(self, Random(f"{fault} {seed}"))
        return recorded(planted, seed, self.answers)
