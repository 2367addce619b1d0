"""Finds the processor that a text tells of, which brings its benchmarks with it."""

import re

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models import Cpu

# What tells one processor from all others: i5-10500, Ryzen 5 5600G, Xeon E-2224, N100.
MODEL = re.compile(r"\b(i[3579]-\d{4,5}\w*|ryzen [3579] \d{4}\w*|xeon \w-\d{4}\w*|n\d{3})\b", re.IGNORECASE)


def found_in(session: Session, *texts: str | None) -> Cpu | None:
    """The processor that the first of the texts names which names one."""
    for text in filter(None, texts):
        match = MODEL.search(text)
        if match:
            return session.scalars(select(Cpu).where(Cpu.name.iendswith(match[1], autoescape=True))).first()
    return None
