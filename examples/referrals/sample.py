"""The running sample: what a test, a planter or the command line does with it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from examples.control import SampleError, call, poll
from examples.sample import RunningSample

RUN_SECONDS = 90  # longer than the app waits for its lock


@dataclass(frozen=True)
class Sample(RunningSample):
    example, parameter_file = "referrals", "referrals.yml"

    partner_url: str
    api_url: str
    platform_url: str
    control_token: str = field(repr=False)
    interval: float
    rhythm: int  # how many scheduled syncs it begins with

    @property
    def logs(self) -> Path:
        """The folder of worker.log, beat.log and api.log."""
        return self.copy / "logs"

    def partner(self, action: str, body: object = None) -> Any:
        """Ask the partner's side: status, records, or with a body faults, change, add, reset."""
        return call(f"{self.partner_url}/_control/{action}", self.control_token, body)

    def platform(self, action: str, body: object = None) -> Any:
        """Ask what runs the app: status, or with a body flag, partner, misbehave, heal; done when it is answered."""
        token = self.environment["REFERRALS_PLATFORM_TOKEN"]
        return call(f"{self.platform_url}/{action}", None, body, bearer=token)

    def change(self, count: int) -> Any:
        """Let that many referrals be changed at the partner; their ids."""
        return self.partner("change", {"count": count})["changed"]

    def add(self, **values: object) -> str:
        """Add a referral at the partner, at the end of the list; its id."""
        return self.partner("add", values)["id"]

    def refuse(self, status: int | None, times: int | None = None) -> None:
        """Let the partner refuse all requests, or as many as told, or none any more."""
        self.platform("partner", {"fail": status, "fail_times": times})

    def sync(self) -> str:
        """Queue a sync by the API; its task's id."""
        return call(f"{self.api_url}/api/referrals/sync", body={})["task_id"]

    def enable(self, enabled: bool) -> None:
        """Turn the feature flag, with new processes of API and worker."""
        self.platform("flag", {"enabled": enabled})

    def runs(self, after: int = 0, trigger: str | None = None) -> list[dict[str, Any]]:
        """The history's rows behind one, in order."""
        query = """select * from partner_center_sync_runs
            where id > %s and coalesce(trigger = %s, true) order by id"""
        return self.rows(query, after, trigger)

    def last_run(self) -> int:
        """The id of the history's last row, 0 where there is none."""
        return self.rows("select coalesce(max(id), 0) as last from partner_center_sync_runs")[0]["last"]

    def ended(self, task_id: str) -> dict[str, Any]:
        """Wait until a sync has ended; its row of the history."""
        for _ in poll(RUN_SECONDS, pause=0.05):
            found = [run for run in self.runs() if run["task_id"] == task_id and run["ended_at"]]
            if found:
                return found[-1]
        raise SampleError(f"the sync {task_id} has not ended after {RUN_SECONDS} s")

    def scheduled(self, count: int = 1, after: int | None = None) -> list[dict[str, Any]]:
        """Wait until as many syncs that beat queued have begun from now on, or behind a row, and ended."""
        after = self.last_run() if after is None else after
        for _ in poll(RUN_SECONDS, pause=0.05):
            found = [run for run in self.runs(after, "beat") if run["ended_at"]]
            if len(found) >= count:
                return found[:count]
        raise SampleError(f"beat's syncs have not come: {count} in {RUN_SECONDS} s")

    def waiting(self) -> int:
        """How many messages no worker has taken yet."""
        import redis

        try:
            with redis.Redis.from_url(self.environment["REFERRALS_BROKER"]) as broker:
                return int(broker.llen("celery"))
        except redis.RedisError as error:
            raise SampleError(f"the broker does not answer: {type(error).__name__}") from None

    def settle(self, timeout: float = 30) -> None:
        """Wait until no sync runs, and none waits for a worker."""
        running = "select count(*) as number from partner_center_sync_runs where status = 'running'"
        for _ in poll(timeout, pause=0.05):
            if not self.waiting() and not self.rows(running)[0]["number"]:
                return
        raise SampleError(f"after {timeout} s syncs are still running, or wait for a worker")

    def heal(self) -> None:
        """Put everything back as it was at the start, and wait for the first scheduled syncs."""
        self.platform("heal", {})
        self.first_syncs()

    def first_syncs(self) -> None:
        """Wait until the history has the scheduled syncs that it begins with."""
        for run in self.scheduled(self.rhythm, after=0):
            if run["status"] != "success":
                raise SampleError(f"one of the first syncs did not end well: {run['error']}")
