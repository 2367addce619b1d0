"""The running sample: what a test, a planter or the command line does with it."""

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from examples import databases, switches
from examples.answer_key import Planted
from examples.asking import asked
from examples.control import SampleError, fetch, poll
from examples.processes import copied_project
from examples.sample import RunningSample

from .testing import Tests

FAULTS_FILE = "faults.json"
RESULTS = "test-results"
IMPORT_SECONDS = 60


@dataclass(frozen=True)
class Sample(RunningSample):
    example, parameter_file = "listings", "listings.yml"

    server_url: str = field(repr=False)
    api_url: str
    marketplace_url: str
    role_suffix: str
    size: int

    @property
    def results(self) -> Path:
        """What the app's own tests have left."""
        return self.copy / RESULTS

    def api(self, path: str, body: object = None, method: str | None = None, **query: object) -> Any:
        """What the API answers well; raises SampleError where it refuses."""
        status, answer = self.ask(path, body, method=method, **query)
        if status >= 300:
            raise SampleError(f"{path} answered {status}: {answer}")
        return answer

    def ask(
        self, path: str, body: object = None, token: str | None = None, method: str | None = None, **query: object
    ) -> tuple[int, Any]:
        """Status and answer of the API below /api/v1, with another token than its own, if one is given."""
        bearer = self.environment["LISTINGS_API_TOKEN"] if token is None else token
        return asked(f"{self.api_url}/api/v1/{path}", bearer, {}, body, query, method)

    def page(self, kind: str, mark: object) -> str:
        """The address of a page of the marketplace; see `marketplace.pages` for the kinds."""
        return f"{self.marketplace_url}/{kind}/{mark}"

    def imported(self, *urls: str, marketplace: str = "other") -> dict[str, Any]:
        """Import addresses as one job, and wait for its end; the job's status."""
        job = self.api("ingest/bulk", {"urls": urls, "marketplace": marketplace})["bulk_job_id"]
        for _ in poll(IMPORT_SECONDS):
            status = self.api(f"ingest/bulk/{job}/status")
            if status["finished_at"]:
                return status
        raise SampleError(f"the bulk job {job} has not ended after {IMPORT_SECONDS} s")

    def scraped(self) -> str:
        """What Prometheus is told."""
        return fetch(self.environment["LISTINGS_METRICS"])

    def change(self, count: int) -> list[int]:
        """Let that many new listings be imported, every third without a price; their ids."""
        known = self.rows("select coalesce(max(id), 0) as number from listings")[0]["number"]
        urls = [self.page("no-price" if one % 3 == 2 else "full", f"new-{known + one}") for one in range(count)]
        return [row["listing_id"] for row in self.imported(*urls)["per_row_status"]] if urls else []

    def settle(self, timeout: float = 30) -> None:
        """Wait until no import is under way."""
        working = "select count(*) as number from bulk_jobs where finished_at is null"
        for _ in poll(timeout):
            if not self.rows(working)[0]["number"]:
                return
        raise SampleError(f"after {timeout} s imports are still under way")

    def switches(self) -> list[str]:
        """The faults that are switched on in the API."""
        return switches.switched_on(self.copy / FAULTS_FILE)

    def switch_on(self, fault: str) -> None:
        switches.switch_on(self.copy / FAULTS_FILE, fault)

    def plant(self, fault: str, seed: int = 1) -> Planted:
        planted = super().plant(fault, seed)
        # Whoever changes the code has its tests run, unless this is the fault.
        if self._changed() and all(one.check != "own_tests_are_of_this_code" for one in planted.must):
            self.test()
        return planted

    def test(self) -> None:
        """Run the app's own tests on the copy of its code."""
        Tests(self.code, self.results).wait()

    def _changed(self) -> bool:
        """Whether any of the code, or of its folders, was written after its tests had run."""
        ran = (self.results / "coverage.xml").stat().st_mtime
        paths = [path for path in self.code.rglob("*") if path.suffix == ".py" or path.name == "tests"]
        return any(path.stat().st_mtime > ran for path in paths)

    def heal(self) -> None:
        """Put everything back as it was at the start: switches, the copy of the code, tests' results, the database."""
        (self.copy / FAULTS_FILE).unlink(missing_ok=True)
        copied_project(self.copy, self.example, self.parameter_file)
        shutil.copytree(self.copy / f"{RESULTS}_start", self.results, dirs_exist_ok=True)
        databases.restore_start(self.server_url, self.owner_url, self.role_suffix)
