"""The section ``policy``: the limits that decide."""

from __future__ import annotations

from pydantic import Field

from dsaudit.parameters.section import Section


class Policy(Section):
    """The limits that decide, each with the source documents' figure as default."""

    latency_seconds: float = Field(5, gt=0)
    latency_samples: int = Field(20, ge=1)
    latency_days: int = Field(7, ge=1)
    clock_error_seconds: float = Field(1, ge=0)  # by how much clocks may differ; where they were measured, that counts
    in_flight_seconds: float = Field(6, ge=0, le=600)  # how long a change may be under way from source to refined
    refine_error_percent: float = Field(1, ge=0, le=100)
    backlog_seconds: float = Field(300, gt=0)
    delivery_success_percent: float = Field(99, ge=0, le=100)
    webhook_coverage_percent: float = Field(90, ge=0, le=100)  # of the changes that the provider can announce
    silence_seconds: float = Field(3600, gt=0)
    sync_age_days: float = Field(8, gt=0)
    query_milliseconds: float = Field(500, gt=0)
    tolerated_differences: int = Field(0, ge=0)  # rows in one scope of one check that may be lost or unexplained
    tolerated_percent: float = Field(0, ge=0, le=100)  # the same, of what was examined; the larger of the two counts
