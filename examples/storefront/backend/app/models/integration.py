"""A shop that has installed the app: one tenant."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Text, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class Integration(Base):
    __tablename__ = "integration"

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=func.gen_random_uuid())
    provider: Mapped[str] = mapped_column(Text, server_default="shopify")
    name: Mapped[str]
    is_active: Mapped[bool] = mapped_column(server_default="true")
    # shop, scopes and webhook_registration: what the provider granted and registered
    metadata_info: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
