"""The project beside its scratch database, ready for whatever is tried; opened once for all checks of a notebook."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from dsaudit.migrating.model import Revision
from dsaudit.migrating.project import Answer, Project, ProjectError, RevisionError, running, settings_of
from dsaudit.migrating.schema import Part
from dsaudit.migrating.stage import Stage, staged
from dsaudit.parameters import Parameters
from dsaudit.parameters.migrations import Migrations

HEAD = "head"  # label of a copy: after the last revision


@dataclass(frozen=True)
class Bench:
    """The project, its scratch database, and its revisions in the order in which they are applied."""

    stage: Stage
    project: Project
    settings: Migrations
    revisions: list[Revision]
    heads: list[str]
    versions: tuple[str | None, str]  # schema and name of the table with the database's own revision
    _schemas: dict[frozenset[str], dict[Part, str]] = field(default_factory=dict, repr=False)
    _applied: set[str] = field(default_factory=set, repr=False)  # since the database was empty

    @property
    def names(self) -> list[str]:
        """The revisions' names."""
        return [one.name for one in self.revisions]

    @property
    def tried(self) -> list[str]:
        """The names of the revisions that are to be tried."""
        since = self.settings.since
        return self.names[self.names.index(since) :] if since else self.names

    def up(self, revisions: Sequence[str], watched: bool = False) -> Answer:
        """Apply revisions; RevisionError tells which one failed, and why."""
        self._applied.update(revisions)
        return self.project.ask("up", revisions=list(revisions), watched=watched) if revisions else {}

    def down(self, revision: str) -> Answer:
        """Take the last revision back."""
        return self.project.ask("down", revisions=[revision])

    def start_over(self) -> None:
        """Make the scratch database an empty one."""
        if self._applied:
            self.stage.renew()
            self._applied.clear()

    def at_head(self) -> None:
        """Make the scratch database what it is after all revisions, with the rows that they bring alone.

        Raises
        ------
        ProjectError
            They do not apply.
        """
        if HEAD in self.stage.kept:
            self.stage.restore(HEAD)
            return
        self.apply(self.names)
        self.stage.keep(HEAD)

    def apply(self, revisions: Sequence[str]) -> None:
        """Make the scratch database what it is after these revisions, in their order.

        Raises
        ------
        ProjectError
            They do not apply.
        """
        self.start_over()
        try:
            self.up(revisions)
        except RevisionError as error:
            at = error.told.get("revision")
            raise ProjectError(f"the revisions do not apply{f', {at}' if at else ''}: {error}") from None

    def schema_of(self, revisions: Sequence[str]) -> dict[Part, str]:
        """Return what the schemas are made of after these revisions and all that they are built on.

        Raises
        ------
        ProjectError
            They do not apply.
        """
        wanted = self.ancestors(revisions)
        if wanted not in self._schemas:
            if wanted == frozenset(self.names):
                self.at_head()
            else:
                self.apply([name for name in self.names if name in wanted])
            self._schemas[wanted] = self.stage.described()
        return self._schemas[wanted]

    def ancestors(self, revisions: Sequence[str]) -> frozenset[str]:
        """Return these revisions, as far as the project has them, with all that they are built on."""
        by_name = {one.name: one for one in self.revisions}
        found, ahead = set[str](), [name for name in revisions if name in by_name]
        while ahead:
            name = ahead.pop()
            if name not in found:
                found.add(name)
                ahead += by_name[name].follows
        return frozenset(found)


@contextmanager
def opened(parameters: Parameters, url: str, schemas: Sequence[str], roles: Sequence[str]) -> Iterator[Bench]:
    """Start the project on an empty scratch database, and end both afterwards.

    Raises
    ------
    ScratchError
        There is no scratch database.
    ProjectError
        The project cannot be run, or has no such revision as the file names.
    """
    settings = settings_of(parameters)
    with staged(url, schemas, roles) as stage, running(parameters, stage.empty.url, url) as project:
        graph, versions = project.ask("graph"), project.ask("look")
        revisions = [_revision(one) for one in graph["revisions"]]
        _refuse_unknown(settings, [one.name for one in revisions])
        place = (versions["schema"], str(versions["table"]))
        yield Bench(replace(stage, versions=place[1]), project, settings, revisions, list(graph["heads"]), place)


def _revision(one: Mapping[str, Any]) -> Revision:
    return Revision(one["revision"], (*one["follows"], *one["needs"]), one["title"], one["file"])


def _refuse_unknown(settings: Migrations, names: Sequence[str]) -> None:
    if not names:
        raise ProjectError(f"{settings.config}: the project has no revision")
    for key, name in [("since", settings.since), *(("downgrades", one) for one in settings.downgrades)]:
        if name and name not in names:
            raise ProjectError(f"migrations.{key}: the project has no revision {name}; the last is {names[-1]}")
