"""Real runs of the ledger, made once for all tests of the evidence; a test damages copies of them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from dsaudit import server
from dsaudit.evidence import signing
from dsaudit.parameters import load
from dsaudit.run import baseline
from tests import ledger
from tests.run.conftest import project, project_of

__all__ = ["project"]

ONCE, LINES = "one_refined_row_per_source_id", "parents_have_their_children"
SOON = (datetime.now(UTC).date() + timedelta(days=30)).isoformat()
KEY_NAME = "LEDGER_SIGNING_KEY"


@dataclass(frozen=True)
class Runs:
    """The folder of one integration's runs, by what they are, and the keys."""

    reports: Path
    named: dict[str, str]
    private: Path
    public: Path

    @property
    def keys(self) -> list[Ed25519PublicKey]:
        """The key that has signed."""
        return [signing.public_key(self.public)]

    def copy(self, to: Path, *names: str) -> list[Path]:
        """Copy runs, all by default, without what is private, and return their folders."""
        copied = []
        for name in names or self.named:
            run = self.named[name]
            shutil.copytree(self.reports / run, to / "ledger" / run, ignore=lambda *_: ["private"])
            copied.append(to / "ledger" / run)
        return copied


def new_key(path: Path, passphrase: str = "") -> Path:
    """Make a key as OpenSSH writes it, with the public one beside it, and return the path of the private one."""
    key = Ed25519PrivateKey.generate()
    lock = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, lock))
    path.with_suffix(".pub").write_bytes(key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH))
    return path


@pytest.fixture(scope="session")
def runs(postgres: server.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    """Five runs: the first is GO, `signed` and `unsigned` are NO-GO, then some rows are accepted; one is narrowed."""
    folder = tmp_path_factory.mktemp("evidence")
    key = new_key(folder / "key")
    named: dict[str, str] = {}
    with pytest.MonkeyPatch.context() as patch, ledger.running(postgres.url, folder / "ledger") as one:
        for name, value in {**one.environment, KEY_NAME: str(key)}.items():
            patch.setenv(name, value)
        patch.chdir(one.folder)
        own = project_of(one)
        own.notebook("05_lines", [f"audit.check('{LINES}')", "print('looked at')"])
        parameters = one.parameters.read_text(encoding="utf-8")
        named["first"] = own.run().folder.name
        one.execute("update ledger.invoice_line set void = true where org = 'N' and store = 'a'")
        one.parameters.write_text(f"{parameters}\nevidence: {{signing_key_env: {KEY_NAME}}}\n", encoding="utf-8")
        named["signed"] = own.run().folder.name
        one.parameters.write_text(parameters, encoding="utf-8")
        unsigned = own.run()
        named["unsigned"] = unsigned.folder.name
        made, _ = baseline.make(
            unsigned.folder, load(one.parameters), baseline.Terms("ada", SOON, "old"), datetime.now(UTC).date()
        )
        named["accepted"] = own.run().folder.name
        made.unlink()
        waiver = {"check": LINES, "owner": "ada", "reason": "old", "expires": SOON, "scope": {"tenant": "north"}}
        one.parameters.write_text(f"{parameters}\nwaivers: [{json.dumps(waiver)}]\n", encoding="utf-8")
        named["waived"] = own.run(checks=[ONCE, LINES]).folder.name
        patch.undo()  # other tests of the session are somewhere else
        yield Runs(unsigned.folder.parent, named, key, key.with_suffix(".pub"))


@pytest.fixture
def signed(runs: Runs, tmp_path: Path) -> Path:
    """A copy of the signed run, beside the one that it follows."""
    return runs.copy(tmp_path, "first", "signed")[1]


@pytest.fixture
def unsigned(runs: Runs, tmp_path: Path) -> Path:
    """A copy of the same run, not signed, beside the one that it follows."""
    return runs.copy(tmp_path, "signed", "unsigned")[1]


def edit(path: Path, change: Callable[[dict[str, object]], object]) -> None:
    """Change a JSON file in place."""
    record = json.loads(path.read_text(encoding="utf-8"))
    change(record)
    path.write_text(json.dumps(record, indent=1, ensure_ascii=False), encoding="utf-8")
