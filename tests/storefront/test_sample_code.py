"""Each sample has its own code, documents and parameter file, and runs from them: a fault edits nothing of others."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest

from dsaudit.parameters import load
from examples import storefront
from examples.control import SampleError
from examples.editing import replaced
from examples.processes import PROJECT
from examples.storefront.faults import configuration, sync_code
from examples.storefront.faults.editing import sync_function_rewritten
from examples.storefront.processes import BACKEND
from examples.storefront.sample import Sample

pytestmark = pytest.mark.xdist_group("sample_code")  # one sample for all of them

EDITING = [
    (configuration.scope_not_requested, configuration.OAUTH_SERVICE),
    (configuration.migration_not_run, "migrations/versions/0099_order_source_name.py"),
    (sync_code.paging_taken_out, sync_code.SYNC_SERVICE),
    (sync_code.logging_taken_out, sync_code.LOG),
]


@pytest.fixture(scope="module")
def sample() -> Iterator[Sample]:
    with storefront.running(size=10, live=False) as running:
        yield running


def contents(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def test_the_parameter_file_of_a_sample_names_its_copy(sample: Sample) -> None:
    with sample.clone() as clone:
        for one in (sample, clone):
            parameters = load(one.parameters)
            assert parameters.code and parameters.documents
            assert parameters.folder(parameters.code.folder) == one.code
            assert parameters.folder(parameters.documents.folder).is_relative_to(one.code)
            assert contents(one.code) == contents(BACKEND)
        assert len({BACKEND, sample.code, clone.code}) == 3
    assert not clone.code.exists()


def test_a_sample_runs_from_its_copy(sample: Sample) -> None:
    port = sample.backend_url.rpartition(":")[2]
    processes = subprocess.run(["ps", "-A", "-ww", "-o", "args"], capture_output=True, text=True, check=True).stdout
    (backend,) = [line for line in processes.splitlines() if f"--port {port} " in line and "setpriv" not in line]
    assert f"--app-dir {sample.code} " in backend


@pytest.mark.parametrize(("fault", "file"), EDITING, ids=[fault.__name__ for fault, _ in EDITING])
def test_a_fault_edits_its_own_copy_alone(sample: Sample, fault: Callable[..., object], file: str) -> None:
    before = contents(BACKEND), contents(sample.code)
    with sample.clone() as clone:
        fault(clone, Random(1))
        now = contents(clone.code)
        assert {name for name in now if now[name] != before[1].get(name)} == {file}
    assert (contents(BACKEND), contents(sample.code)) == before


def test_a_fault_in_the_parameter_file_edits_its_own_copy_alone(sample: Sample) -> None:
    own = PROJECT / "parameters/sample.yml"
    before = own.read_bytes()
    with sample.clone() as clone:
        sync_code.reason_missing(clone, Random(1))
        assert clone.parameters.read_bytes() != before
    assert own.read_bytes() == before == sample.parameters.read_bytes()


def test_an_edit_that_finds_no_place_says_so(sample: Sample) -> None:
    with sample.clone() as clone:
        with pytest.raises(SampleError, match=r"main\.py has 0 places to edit, not one"):
            replaced(clone.code / "app/main.py", "no such words", "")
        with pytest.raises(SampleError, match="has no function fetch_and_ingest_refundz to edit"):
            sync_function_rewritten(clone, "fetch_and_ingest_refundz", "")
