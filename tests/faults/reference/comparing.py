"""The records of the source, held against what was received and what was refined; each finding has tenant and resource.

Nothing is told of a list that is not whole, or in which an id stands for several records.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from tests.faults.reference.declared import value_at
from tests.faults.reference.forms import in_form, plain
from tests.faults.reference.receiving import Finding
from tests.faults.reference.system import System


def source_missing_in_raw(system: System) -> Iterator[Finding]:
    """Each record of which no version was received, or a deletion as the newest."""
    for name in system.resources if system.versions else ():
        for key in system.told(name):
            newest = system.newest.get((name, key))
            if newest is None or newest.deleted:
                yield key[0], name, key[1]


def source_missing_in_refined(system: System) -> Iterator[Finding]:
    """Each record without a live refined row."""
    for name in system.resources:
        live = system.live(name)
        yield from ((key[0], name, key[1]) for key in system.told(name) if key not in live)


def refined_missing_at_source(system: System) -> Iterator[Finding]:
    """Each live refined row that the source does not have."""
    for name in system.resources:
        told = system.told(name)
        for key in system.live(name):
            if key not in told and (key[0], name) not in system.untold:
                yield key[0], name, key[1]


def raw_differs_from_source(system: System) -> Iterator[Finding]:
    """Each record of an own list whose newest version received is another."""
    for name, resource in system.resources.items():
        if "read" not in resource.given or not system.versions:
            continue
        for key, one in system.told(name).items():
            newest = system.newest.get((name, key))
            if newest is not None and not newest.deleted and plain(newest.payload) != plain(one.record):
                yield key[0], name, key[1]


def field_differences(system: System) -> Iterator[Finding]:
    """Each declared field of each live refined row that is not the source's in its declared form."""
    for name, resource in system.resources.items():
        live = system.live(name)
        for key, one in system.told(name).items():
            for refined in live.get(key, ()):
                for field in resource.fields:
                    there = in_form(value_at(one.record, field.path), field.form)
                    here = in_form(refined.row[field.column], "text" if field.form == "domain" else field.form)
                    if there != here:
                        yield key[0], name, key[1], field.column


def duplicate_source_ids(system: System) -> Iterator[Finding]:
    """Each id that stands for two records of the source."""
    for name in system.resources:
        counted = Counter((one.tenant, name, one.source_id) for one in system.records[name])
        yield from (place for place, count in counted.items() if count > 1)
