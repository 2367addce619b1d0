"""The section ``migrations``: an Alembic project, how it is run on a scratch database, and what it may do there."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from dsaudit.parameters.section import Section


def _condition(value: str) -> str:
    if not value.strip() or ";" in value or "--" in value or "/*" in value:
        raise ValueError("one condition on the table's rows is expected, without a semicolon and without a comment")
    return value


Condition = Annotated[str, AfterValidator(_condition)]


class Downgrade(Section):
    """What a downgrade takes: by table the condition of the rows that it deletes; or that it refuses to run."""

    refused: bool = False
    deletes: dict[str, Condition] = {}

    @model_validator(mode="before")
    @classmethod
    def _of_a_word(cls, value: Any) -> Any:
        if value == "refused":
            return {"refused": True}
        if isinstance(value, str):
            raise ValueError("the word refused is expected, or deletes with a condition for each table")
        return value

    @model_validator(mode="after")
    def _one_of_both(self) -> Downgrade:
        if self.refused and self.deletes:
            raise ValueError("a downgrade that is refused deletes nothing; give one of refused and deletes")
        return self


class Migrations(Section):
    """An Alembic project, which is run on a scratch database and never on the audited one.

    `config` is its ini file, `python` a program that can import it (by itself the one that runs dsaudit), `url_env` the
    variable by which its ``env.py`` learns the address; without one ``sqlalchemy.url`` is set. `since` is the first
    revision that is tried. `models` is false where the project has none. `lock_seconds` is how long others may be
    locked out of a table as large as the audited one, or as `expected_rows` says; `rows` the largest of the three sizes
    at which that is measured. `insert_milliseconds` is what one insert may take.
    """

    config: str = Field(min_length=1)
    python: str | None = Field(None, min_length=1)
    url_env: str | None = None
    since: str | None = None
    models: bool = True
    downgrades: dict[str, Downgrade] = {}
    lock_seconds: float = Field(1, gt=0)
    expected_rows: dict[str, Annotated[int, Field(ge=1)]] = {}
    rows: int = Field(16_000, ge=160, le=10_000_000)
    insert_milliseconds: float = Field(10, gt=0)

    @property
    def sizes(self) -> list[int]:
        """How many rows each table of the scratch database is given, one after the other."""
        return [self.rows // 16, self.rows // 4, self.rows]

    def is_refused(self, revision: str) -> bool:
        """Whether a revision is declared as one that cannot be taken back."""
        return revision in self.downgrades and self.downgrades[revision].refused

    def deleted(self, revision: str) -> dict[str, str]:
        """Return the conditions of the rows that taking a revision back deletes, by "schema.table"."""
        return _whole(self.downgrades[revision].deletes) if revision in self.downgrades else {}

    @property
    def reckoned(self) -> dict[str, int]:
        """How many rows are to be reckoned with, by "schema.table"."""
        return _whole(self.expected_rows)


def _whole(given: dict[str, Any]) -> dict[str, Any]:
    return {name if "." in name else f"public.{name}": value for name, value in given.items()}
