"""What the parameter file declares of the database's tables, and which column types hold which values."""

from dsaudit.facts.schema.declared import Column, declared_columns, declared_tables
from dsaudit.facts.schema.types import misfit

__all__ = ["Column", "declared_columns", "declared_tables", "misfit"]
