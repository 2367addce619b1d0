"""A clone of the storefront with faults side by side, and the stories of their records."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from dsaudit import timeline
from dsaudit.parameters import project_root
from tests.checks.auditing import opened
from tests.command_lines import DSAUDIT

# Those that leave a switch on come last.
FAULTS = (
    "orders_update_dropped", "creation_refused", "refined_row_edited", "delete_never_told", "partial_key",
    "older_delivery_wins", "wrong_tenant", "new_object_not_refined",
)  # fmt: skip
NOTE = "Deliver to the neighbour"  # what orders_update_dropped writes at the source


class Damaged:
    """A clone in which faults are planted, and where each of them lies."""

    def __init__(self, clone: Any) -> None:
        self.clone = clone
        self.gone = self._made_and_deleted()
        self.planted = {fault: clone.plant(fault) for fault in FAULTS}
        clone.settle()
        text = clone.parameters.read_text(encoding="utf-8")
        clone.parameters.write_text(text.replace("in_flight_seconds: 2", "in_flight_seconds: 0"), encoding="utf-8")

    def _made_and_deleted(self) -> str:
        shop = "acme.myshopify.example"
        made = str(self.clone.record(shop, "locations", "create")["id"])
        self.clone.settle()
        self.clone.record(shop, "locations", "delete", int(made))
        self.clone.settle()
        return made

    def place(self, fault: str, place: int = -1) -> tuple[str, str, str]:
        """Return resource, id and tenant of one of a fault's rows."""
        expected = [finding for finding in self.planted[fault].must if "resource" in finding.scope][place]
        return expected.scope["resource"], expected.keys[0], expected.scope["tenant"]

    def story(self, fault: str, place: int = -1) -> timeline.Story:
        resource, source_id, tenant = self.place(fault, place)
        return self.tell(resource, source_id, tenant)[0]

    def tell(
        self, resource: str, source_id: str, tenant: str = "", file: Path | None = None, whole: bool = False
    ) -> list[timeline.Story]:
        with opened(file or self.clone.parameters, self.clone.environment) as audit:
            return timeline.stories(audit, resource, source_id, tenant, whole)

    def file(self, name: str, change: Callable[[dict[str, Any]], object]) -> Path:
        """Return a parameter file like the clone's with something changed."""
        given = yaml.safe_load(self.clone.parameters.read_text(encoding="utf-8"))
        change(given)
        path: Path = self.clone.parameters.with_name(f"{name}.yml")
        path.write_text(yaml.safe_dump(given, allow_unicode=True), encoding="utf-8")
        return path

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*DSAUDIT, "why", *arguments],
            cwd=project_root(), env={**os.environ, **self.clone.environment},
            capture_output=True, text=True, check=False,
        )  # fmt: skip


def causes(story: timeline.Story) -> set[str]:
    return set(story.wrong["cause"])


def sides(story: timeline.Story) -> list[str]:
    return [str(one) for one in story.events["side"]]


def told(story: timeline.Story, side: str) -> str:
    lines = story.events[story.events["side"] == side]
    return "\n".join(f"{one['what']}; {one['detail']}" for one in lines.to_dict("records"))


def a_location(damaged: Damaged, tenant: str = "acme") -> str:
    """Return the id of one that no fault has touched."""
    query = """select min(l.shopify_location_id) from shopify_location as l
        join integration as i on i.id = l.integration_id where i.name = %s and l.deleted_at is null"""
    with damaged.clone.owner() as connection:
        return str(connection.execute(query, [tenant]).fetchone()[0])
