"""What the database holds, as the newest migration leaves it."""

from app.models.base import Base
from app.models.imports import BulkJob, ImportSession
from app.models.listing import Cpu, Listing, ListingChange

__all__ = ["Base", "BulkJob", "Cpu", "ImportSession", "Listing", "ListingChange"]
