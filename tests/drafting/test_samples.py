"""What is drafted of the samples, held against the files that were written by hand."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from dsaudit.parameters import load
from examples import storefront
from examples.storefront.sample import Sample
from tests import ledger
from tests.command_lines import DSAUDIT
from tests.drafting import schemas
from tests.drafting.comparing import compare

ROOT = Path(__file__).parents[2]
ENOUGH = 0.9
pytestmark = pytest.mark.xdist_group("drafted")  # one sample for all of them


@dataclass(frozen=True)
class Drafted:
    """What the command wrote and said."""

    sample: Sample
    file: Path
    said: str

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run dsaudit with the sample's variables set."""
        return command(*arguments, **self.sample.environment)


def command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*DSAUDIT, *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        text=True,
        capture_output=True,
    )


@pytest.fixture(scope="module")
def drafted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Drafted]:
    """The draft of a running storefront, as a stranger makes it."""
    with storefront.running(size=100, seed=7) as sample:
        folder = tmp_path_factory.mktemp("stranger")
        (folder / "notebooks").mkdir()
        target = folder / "parameters" / "storefront.yml"
        url = sample.environment["STOREFRONT_AUDIT_URL"]
        done = command(
            *("init", "--database-url", url, "--provider", "shopify", "--to", str(target)),
            *("--code", str(ROOT / "examples" / "storefront" / "backend")),
        )
        assert done.returncode == 0, done.stderr
        yield Drafted(sample, target, done.stdout)


def _made_absolute(written: dict[str, Any]) -> None:
    """Set the paths as the draft has them: the stranger's project is another folder."""
    for section in ("code", "documents"):
        written[section]["folder"] = str(ROOT / written[section]["folder"])
    written["monitoring"]["rules"] = str(ROOT / written["monitoring"]["rules"])


def test_nine_tenths_of_the_storefronts_keys_are_right(drafted: Drafted) -> None:
    written = yaml.safe_load((ROOT / "parameters" / "sample.yml").read_text(encoding="utf-8"))
    _made_absolute(written)
    compared = compare(yaml.safe_load(drafted.file.read_text(encoding="utf-8")), written)
    print(f"\nstorefront: {compared.told()}")
    assert compared.share >= ENOUGH, compared.told()
    # What the hand-written file does not compare is right all the same: the sample's records have these times.
    expected = {"product_image": 2, "variant": 2}
    assert len(compared.beside) <= sum(expected.values()) + 1, compared.told()
    assert all(
        path.startswith(tuple(f"resources.{name}." for name in expected))
        for path in compared.beside
        if path != "environment"
    )


def test_what_is_certain_is_right(drafted: Drafted) -> None:
    """A key without a mark that is wrong would mislead: all that differ from the hand-written file are marked."""
    lines = drafted.file.read_text(encoding="utf-8").splitlines()
    marked = [line for line in lines if "# guess" in line]
    assert marked and all(re.search(r"# guess(?: for each)?: \S", line) for line in marked)
    written = yaml.safe_load((ROOT / "parameters" / "sample.yml").read_text(encoding="utf-8"))
    _made_absolute(written)
    wrong = compare(yaml.safe_load("\n".join(lines)), written).wrong
    # Whether every payout must have its transactions is nothing that rows can tell.
    assert set(wrong) <= {"relations.balance_transaction.payout_id -> payout.id"}


def test_the_draft_is_checked_and_every_way_in_is_open(drafted: Drafted) -> None:
    done = drafted.run("check", str(drafted.file))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "✗" not in done.stdout
    assert "31 declared, all there" in done.stdout


TO_BE_SAID = {
    "parents_have_their_children",
    *("syncs_started_now_complete", "live_changes_arrive"),
    *("forged_deliveries_refused", "forged_deliveries_not_stored", "repeated_delivery_changes_nothing"),
    *("deliveries_were_taken", "taken_deliveries_are_logged"),
    *("redelivered_changes_nothing", "errors_left_a_record", "logs_have_no_gap"),
}


def test_no_check_that_passes_with_the_sample_fails_with_the_draft(drafted: Drafted, tmp_path: Path) -> None:
    """The sample's own file passes every check; that one is shown by the tests of the notebooks."""
    # On a machine with much to do a run may outlast the snapshot's usual age.
    done = drafted.run("run", str(drafted.file), "--out", str(tmp_path), "--set", "database.snapshot_age=3600")
    results = list(tmp_path.glob("storefront/*/result.json"))
    assert results, done.stdout + done.stderr
    result = yaml.safe_load(results[0].read_text(encoding="utf-8"))
    others = {verdict["check"]: verdict["status"] for verdict in result["verdicts"] if verdict["status"] != "pass"}
    # That each parent has a child has to be said by somebody who knows, and so have what may be done and where the
    # provider tells its deliveries.
    assert others == dict.fromkeys(TO_BE_SAID, "skipped"), done.stdout
    assert done.returncode == 0


def test_no_secret_is_written_or_said(drafted: Drafted) -> None:
    text = drafted.file.read_text(encoding="utf-8") + drafted.said
    password = drafted.sample.environment["STOREFRONT_AUDIT_URL"].split(":")[2].split("@")[0]
    assert password not in text
    assert drafted.sample.environment["STOREFRONT_TOKEN"] not in text
    assert ":***@" in drafted.said


def test_it_says_what_is_certain_and_what_to_do_next(drafted: Drafted) -> None:
    assert "certain" in drafted.said and "guessed" in drafted.said and "to fill" in drafted.said
    assert "export STOREFRONT_AUDIT_URL='postgresql://" in drafted.said
    assert "export STOREFRONT_TOKEN=…" in drafted.said
    assert drafted.said.splitlines()[-1].endswith(f"dsaudit check {drafted.file}")


def test_a_file_that_is_there_is_not_written_over(drafted: Drafted) -> None:
    before = drafted.file.read_bytes()
    drafted.file.write_bytes(before + b"# mine\n")
    try:
        done = drafted.run("init", "--database-url-env", "STOREFRONT_AUDIT_URL", "--to", str(drafted.file))
        assert done.returncode == 3
        assert "is there already" in done.stderr and "--force" in done.stderr
        assert drafted.file.read_bytes() == before + b"# mine\n"
    finally:
        drafted.file.write_bytes(before)


def test_the_ledger_is_drafted_too(new_ledger: Callable[..., ledger.Ledger], monkeypatch: pytest.MonkeyPatch) -> None:
    one = new_ledger()
    for name, value in one.environment.items():
        monkeypatch.setenv(name, value)
    made = schemas.drafted(
        "LEDGER_URL", one.folder, integration="ledger", code=one.folder / "code", documents=one.folder / "docs"
    )
    written: dict[str, Any] = yaml.safe_load(one.parameters.read_text(encoding="utf-8"))
    for section in ("code", "documents"):
        written[section]["folder"] = Path(written[section]["folder"]).name
    compared = compare(made.values(), written)
    print(f"\nledger: {compared.told()}")
    assert compared.share >= 0.6, compared.told()
    assert "source" in {path[0] for path, _ in made.open}, "how the source is read stands in no table"
    load(one.parameters)
