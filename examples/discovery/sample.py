"""The running sample: what a test, a planter or the command line does with it."""

from dataclasses import dataclass, field
from typing import Any

from examples import databases, switches
from examples.asking import asked
from examples.control import SampleError, poll
from examples.sample import RunningSample

from .tenants import ENGAGEMENTS, Engagement

APPLICATION = "discovery_app"
FAULTS_FILE = "faults.json"


@dataclass(frozen=True)
class Sample(RunningSample):
    example, parameter_file = "discovery", "discovery.yml"

    server_url: str = field(repr=False)
    api_url: str
    role_suffix: str
    size: int

    @property
    def application(self) -> str:
        """The role that the API has."""
        return f"{APPLICATION}{self.role_suffix}"

    def api(self, path: str, engagement: Engagement = ENGAGEMENTS[0], body: object = None, **query: object) -> Any:
        """What the API answers well; raises SampleError where it refuses."""
        status, answer = self.ask(path, engagement.headers, body, **query)
        if status != 200:
            raise SampleError(f"{path} answered {status}: {answer}")
        return answer

    def ask(
        self,
        path: str,
        headers: dict[str, str],
        body: object = None,
        token: str | None = None,
        method: str | None = None,
        **query: object,
    ) -> tuple[int, Any]:
        """Status and answer of the API, with another token than its own, if one is given."""
        bearer = self.environment["DISCOVERY_API_TOKEN"] if token is None else token
        return asked(f"{self.api_url}/{path}", bearer, headers, body, query, method)

    def import_records(self, records: list[dict[str, Any]], engagement: Engagement = ENGAGEMENTS[0]) -> dict[str, Any]:
        """Run an import through the whole pipeline; what came of it."""
        return self.api("api/v1/data-imports", engagement, {"name": "From the sample", "records": records})["data"]

    def change(self, count: int) -> list[str]:
        """Let that many new assets be imported, spread over the engagements; the ids of the imports."""
        known = self.rows("select count(*) as number from assets")[0]["number"]
        new = [{"name": f"new {known + place}", "asset_type": "server"} for place in range(count)]
        parts = [(new[place :: len(ENGAGEMENTS)], one) for place, one in enumerate(ENGAGEMENTS)]
        return [self.import_records(records, one)["id"] for records, one in parts if records]

    def settle(self, timeout: float = 30) -> None:
        """Wait until the API is at nothing: it has a connection for each request, and for no longer."""
        working = "select count(*) as number from pg_stat_activity where usename = %s and datname = current_database()"
        for _ in poll(timeout):
            if not self.rows(working, self.application)[0]["number"]:
                return
        raise SampleError(f"after {timeout} s requests to the API are still at work")

    def switches(self) -> list[str]:
        """The faults that are switched on in the API."""
        return switches.switched_on(self.copy / FAULTS_FILE)

    def switch_on(self, fault: str) -> None:
        switches.switch_on(self.copy / FAULTS_FILE, fault)

    def heal(self) -> None:
        """Put everything back as it was at the start: the API's switches, its role, and the database."""
        (self.copy / FAULTS_FILE).unlink(missing_ok=True)
        databases.execute(self.server_url, f"alter role {self.application} nobypassrls")
        databases.restore_start(self.server_url, self.owner_url, self.role_suffix, APPLICATION)
