"""The coverage matrix as tables."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import pandas as pd

from dsaudit.facts import offers
from dsaudit.facts.coverage import matrix

if TYPE_CHECKING:
    from dsaudit.audit import Audit

MOST_TOPICS = 4  # of a resource, in a table


def coverage(audit: Audit) -> pd.DataFrame:
    """Each resource at each station of its way.

    needs: resources
    key: resource, way
    show: resource, way, state, told
    """
    return pd.DataFrame([asdict(cell) for cell in matrix(audit)], dtype=object)


def coverage_reasons(audit: Audit) -> pd.DataFrame:
    """What is not covered, and why.

    needs: resources
    key: resource, way
    show: resource, way, state, why
    """
    cells = [cell for cell in matrix(audit) if cell.state in ("reason", "gap", "unknown")]
    rows = [{"resource": cell.resource, "way": cell.way, "state": cell.state, "why": cell.told} for cell in cells]
    return pd.DataFrame(rows, dtype=object)


def undeclared_resources(audit: Audit) -> pd.DataFrame:
    """What the provider has and the file does not declare, and the other way round.

    needs: provider, resources
    key: resource
    show: resource, declared, impact, read, topics, scope
    """
    return pd.DataFrame([asdict(one) | {"topics": _first(one.topics)} for one in offers.unmet(audit)], dtype=object)


def _first(topics: str) -> str:
    """Return the first of many topics, and how many there are beside."""
    listed = topics.split(", ")
    more = 0 if topics.startswith("none:") else len(listed) - MOST_TOPICS
    return f"{', '.join(listed[:MOST_TOPICS])} and {more} more" if more > 0 else topics


def new_at_the_provider(audit: Audit) -> pd.DataFrame:
    """What the provider has had only since the day named in the file.

    needs: provider, provider_reviewed, resources
    key: new
    show: since, new, what, resource, wanted
    """
    return pd.DataFrame([asdict(one) for one in offers.news(audit)], dtype=object)
