"""What all tables share: the column types of Python's types, and the names of constraints."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, MetaData, Numeric, Text, Uuid
from sqlalchemy.orm import DeclarativeBase

from app.models.naming import NAMING


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {  # noqa: RUF012 - read by SQLAlchemy, never changed
        str: Text,
        int: BigInteger,
        # KWD has three decimals; four leave room, and numeric keeps every digit.
        Decimal: Numeric(20, 4),
        datetime: DateTime(timezone=True),
        UUID: Uuid,
    }
