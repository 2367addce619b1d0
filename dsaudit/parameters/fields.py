"""A declared field: where it stands in the source's record, its one type, and what a comparison lets pass."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from pydantic import Field, model_validator

from dsaudit.parameters.section import Section

FieldType = Literal["text", "integer", "decimal", "money", "boolean", "instant", "date", "domain", "json"]


class FieldOf(Section):
    """Where a refined column's value stands in the source's record, its one declared type, and what is let pass."""

    from_: str = Field(alias="from")  # a path; '' is the whole record
    as_: FieldType = Field("text", alias="as")  # domain: the source has a website, the column its bare domain
    within: Decimal | None = Field(
        None, ge=0
    )  # how far apart two values may be: in their own unit, instants in seconds
    minor: int | None = Field(None, ge=0, le=6)  # the source tells money in minor units: with 2, 1999 is 19.99
    currency: str | None = None  # path of the currency in the source's record; it says what the minor unit is
    epoch: Literal["seconds", "milliseconds"] | None = None  # the source counts an instant from 1970
    ignore: bool = False  # declared, so that nobody wonders, and not compared

    @model_validator(mode="after")
    def _fits(self) -> FieldOf:
        wrong = [
            ("within", self.within is not None and self.as_ not in ("integer", "decimal", "money", "instant")),
            ("minor", self.minor is not None and self.as_ != "money"),
            ("currency", self.currency is not None and self.as_ != "money"),
            ("epoch", self.epoch is not None and self.as_ != "instant"),
        ]
        for name, misplaced in wrong:
            if misplaced:
                raise ValueError(f"{name} means nothing for a field that is read as {self.as_}")
        if self.minor is not None and self.currency is not None:
            raise ValueError("the minor unit is told by minor or by currency, not by both")
        return self

    @property
    def allowances(self) -> str:
        """What this declaration lets pass or reads in another way, in words; empty where it is plain."""
        unit = " s" if self.as_ == "instant" else ""
        said = ["not compared"] if self.ignore else []
        said += [f"within {self.within}{unit}"] if self.within is not None else []
        said += [f"the source's last {self.minor} digits are decimals"] if self.minor is not None else []
        said += [f"in minor units of {self.currency}"] if self.currency is not None else []
        return ", ".join(said + ([f"{self.epoch} since 1970"] if self.epoch else []))
