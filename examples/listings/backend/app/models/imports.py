"""Imports: the jobs that take many addresses at once, and the session of each address."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, func, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.base import Base, Key, Now


class BulkJob(Base):
    """`completed` are the addresses that made a listing, `partial` those of them whose listing was partial."""

    __tablename__ = "bulk_jobs"
    __table_args__ = (
        CheckConstraint("status in ('queued', 'running', 'complete', 'partial', 'failed')", name="ck_bulk_jobs_status"),
    )

    id: Mapped[UUID] = mapped_column(server_default=func.gen_random_uuid(), primary_key=True)
    marketplace: Mapped[str]
    status: Mapped[str] = mapped_column(server_default="queued")
    total_urls: Mapped[int]
    completed: Mapped[int] = mapped_column(server_default=text("0"))
    partial: Mapped[int] = mapped_column(server_default=text("0"))
    failed: Mapped[int] = mapped_column(server_default=text("0"))
    created_at: Mapped[Now]
    finished_at: Mapped[datetime | None]

    sessions: Mapped[list["ImportSession"]] = relationship(order_by="ImportSession.id", passive_deletes=True)


class ImportSession(Base):
    """One address or one file; `quality` is what the listing was when it came."""

    __tablename__ = "import_sessions"
    __table_args__ = (
        CheckConstraint("status in ('queued', 'running', 'complete', 'failed')", name="ck_import_sessions_status"),
        CheckConstraint("quality in ('full', 'partial')", name="ck_import_sessions_quality"),
    )

    id: Mapped[Key]
    filename: Mapped[str]
    status: Mapped[str] = mapped_column(server_default="queued")
    error: Mapped[str | None]
    created_at: Mapped[Now]
    finished_at: Mapped[datetime | None]
    bulk_job_id: Mapped[UUID | None] = mapped_column(ForeignKey("bulk_jobs.id", ondelete="CASCADE"), index=True)
    listing_id: Mapped[int | None] = mapped_column(ForeignKey("listings.id"), index=True)
    quality: Mapped[str | None]
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
