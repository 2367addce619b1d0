"""Secrets through the sinks of a real run: none reaches a file, and each of the two nets holds without the other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dsaudit import evidence, source
from dsaudit.evidence import scanning
from dsaudit.parameters import load
from dsaudit.parameters.models import Parameters
from dsaudit.run import Options, Outcome, scrubbing
from dsaudit.run import run as start
from tests.run.conftest import Project, project
from tests.run.test_run import command
from tests.safety.canaries import SECRETS, forms

__all__ = ["project"]

EACH = "for name in NAMES:\n    value = os.environ[name]\n    "
CAUGHT = f"{EACH}try:\n        {{}}\n    except Exception:\n        get_ipython().showtraceback()"

# What a notebook may do with a secret, by mistake.
SINKS = {
    "print": EACH + "print(name, value)",
    "stderr": EACH + "print(value, file=sys.stderr)",
    "repr": EACH + "print({'token': value}, [value.encode()])",
    "log": EACH + "logging.getLogger('acme').error('refused with %s', value)",
    "warning": EACH + "warnings.warn(value)",
    "exception": CAUGHT.format("raise ValueError(value)"),
    "exception in another": CAUGHT.format("raise RuntimeError('outer') from KeyError(value)"),
    "class of an exception": CAUGHT.format("raise type(value.replace('\\0', ''), (Exception,), {})('x')"),
    "traceback with its variables": "get_ipython().run_line_magic('xmode', 'Verbose')\n" + CAUGHT.format("1 / 0"),
    "address in an exception": CAUGHT.format(
        "httpx.get(f'http://127.0.0.1:1/?token={urllib.parse.quote(value)}', timeout=1)"
    ),
    "address printed": EACH + "print(httpx.URL('https://acme.example/x', params={'token': value}))",
    "headers": EACH + "print(repr(httpx.Headers({'X-Shopify-Access-Token': value.encode().hex()})))",
    "basic authorization": EACH + "print('Basic', base64.b64encode(f'user:{value}'.encode()).decode())",
    "result": "[os.environ[name] for name in NAMES]",
    "environment": "dict(os.environ)",
    "environment displayed": "display(os.environ)",
    "frame": "display(pd.DataFrame({'token': [os.environ[name] for name in NAMES]}))",
    "styled frame": "display(pd.DataFrame({os.environ[name]: [1] for name in NAMES}).style)",
    "HTML": EACH + "display(HTML(f'<p title=\"{html.escape(value)}\">{html.escape(value)}</p>'))",
    "Markdown": EACH + "display(Markdown(f'`{value}`'))",
    "JSON": EACH + "display(JSON({'a': {value: json.dumps([value])}}))",
    "metadata of an output": EACH + "display({'text/plain': 'x'}, raw=True, metadata={'text/plain': {'alt': value}})",
    "base64, hex, address": EACH + "print(base64.b64encode(b'x' + value.encode()), value.encode().hex(), "
    "urllib.parse.quote_plus(value))",
    "packed": EACH + "print(base64.b64encode(gzip.compress(value.encode())).decode())",
    "picture's text": "figure = matplotlib.figure.Figure()\nfor name in NAMES:\n    held = io.BytesIO()\n"
    "    figure.savefig(held, metadata={'Title': os.environ[name]})\n    display(Image(held.getvalue()))",
    "piece by piece": EACH + "for at in range(0, 999, 5):\n        print(value[at : at + 5], end='', flush=True)",
    "in two outputs": EACH + "display(value[: len(value) // 2])\n    display(value[len(value) // 2 :])",
    "subprocess": EACH
    + "subprocess.run(['printenv', name], check=False)\n    get_ipython().system(f'printenv {name}')",
    "widget": "import comm\n" + EACH + "comm.create_comm(target_name='jupyter.widget', "
    "data={'state': {'_model_module': 'x', '_model_name': 'y', '_model_module_version': '1', 'value': value}, "
    "'buffer_paths': []})",
    "title of a table": EACH + "display(Shown(value, [{'name': value}], [[value]], 1))",
    "verdict": "one = audit.check('null_keys')\n" + EACH + "one.limits.append(value)\ndisplay(one)",
    "drafted document": "display(Draft(*audit._marks, 'data_model', '\\n'.join(os.environ[name] for name in NAMES)))",
    "progress": EACH + "(audit.private / 'now.txt').write_text(value)\n    time.sleep(0.05)",
}
# Of these nothing is left to be masked: the words of exceptions and the state of widgets are dropped whatever they are.
HARMLESS = {name for name in SINKS if "exception" in name or "traceback" in name} | {"widget", "progress"}
IMPORTS = (
    "import base64, gzip, html, io, json, logging, os, subprocess, sys, time, urllib.parse, warnings\n"
    "import httpx, matplotlib.figure, pandas as pd\nfrom IPython.display import HTML, Image, JSON, Markdown, display\n"
    f"from dsaudit.audit.display import Draft, Shown\nNAMES = {sorted(SECRETS)!r}"
)


@pytest.fixture
def leaking(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project whose environment holds every canary, and whose second notebook puts them into every sink."""
    own = Parameters.secrets
    monkeypatch.setattr(Parameters, "secrets", lambda self: [*own(self), *SECRETS])
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    project.notebook("05_leaks", [IMPORTS, *SINKS.values()])
    return project


def run(project: Project, monkeypatch: pytest.MonkeyPatch, lines: list[str] | None = None) -> Outcome:
    # Under pytest ipykernel leaves what a subprocess prints to the terminal; elsewhere it is an output.
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    told = [] if lines is None else lines
    return start(load(project.ledger.parameters), Options(), source.record, told.append)


def leaks(folder: Path) -> set[str]:
    """Which canary stands in which shared file of a run, as the tests' own look tells."""
    files = [path for path in folder.rglob("*") if path.is_file() and "private" not in path.parts]
    assert files
    contents = {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
    return {
        f"{name} in {path}"
        for name, value in SECRETS.items()
        for path, content in contents.items()
        if any(form in content for form in forms(value))
    }


def test_no_secret_reaches_a_file(
    leaking: Project, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """With the last look switched off: what is cleaned before it is written leaves it nothing to find."""
    monkeypatch.setattr(evidence, "scan", lambda folder, parameters: [])
    lines: list[str] = []
    outcome = run(leaking, monkeypatch, lines)
    assert leaks(outcome.folder) == set()
    terminal = "\n".join([*lines, *capfd.readouterr()])
    assert lines and not [name for name, value in SECRETS.items() if value in terminal]
    assert scanning.scan(outcome.folder, Parameters.model_validate(SETTINGS)) == []
    result = outcome.result
    assert result["decision"] == "INCONCLUSIVE"
    assert "a secret stood in 05_leaks; it was masked before anything was written" in result["problems"]
    cells = json.loads((outcome.folder / "phases" / "05_leaks.ipynb").read_text(encoding="utf-8"))["cells"]
    masked = ["".join(cell["source"]) for cell in cells if scrubbing.TAG in cell["metadata"]["tags"]]
    untouched = {name for name, source in SINKS.items() if source not in masked}
    assert untouched <= HARMLESS, untouched - HARMLESS
    print(f"{len(SECRETS)} secrets, {len(SINKS)} sinks: 0 found, {len(masked)} cells masked")


SETTINGS = {"path": "ledger.yml", "integration": "ledger", "database": {"url_env": "LEDGER_URL"}}


def test_without_the_cleaning_the_last_look_finds_them(leaking: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scrubbing, "cleaned", lambda notebook, secrets: notebook)
    outcome = run(leaking, monkeypatch)
    assert leaks(outcome.folder) == set()
    assert not (outcome.folder / "phases" / "05_leaks.ipynb").exists()
    assert (outcome.folder / "phases" / "04_once.ipynb").exists()
    assert outcome.result["decision"] == "INCONCLUSIVE"
    assert any("a secret stood in phases/05_leaks.ipynb" in one for one in outcome.result["problems"])


def test_without_either_they_are_there(leaking: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or the two tests above would prove nothing."""
    monkeypatch.setattr(scrubbing, "cleaned", lambda notebook, secrets: notebook)
    monkeypatch.setattr(evidence, "scan", lambda folder, parameters: [])
    found = leaks(run(leaking, monkeypatch).folder)
    assert {f"{name} in phases/05_leaks.ipynb" for name in SECRETS} <= found


def test_a_secret_that_a_cell_shows_is_masked_and_the_run_is_not_green(project: Project) -> None:
    secret = project.ledger.environment["LEDGER_URL"].split(":")[2].split("@")[0]
    project.notebook("04_once", ["audit.check('orphans')", "import os; os.environ['LEDGER_URL']"])
    outcome = project.run()
    assert outcome.result["decision"] == "INCONCLUSIVE"
    assert outcome.result["problems"] == ["a secret stood in 04_once; it was masked before anything was written"]
    assert [verdict["status"] for verdict in outcome.result["verdicts"]] == ["pass"]
    shared = [path for path in outcome.folder.rglob("*") if path.is_file() and "private" not in path.parts]
    assert shared and not any(secret.encode() in path.read_bytes() for path in shared)
    assert command("verify", str(outcome.folder)).exit_code == 0


def test_a_secret_that_is_set_by_the_command_line_is_masked_in_the_record(project: Project) -> None:
    address = "https://ann:correct-horse-battery@ledger.example/{run}"
    told = command("run", str(project.ledger.parameters), "--set", f"evidence.report_url={address}", "--phase", "4")
    assert told.exit_code == 2 and "a secret stood in the record of the run" in told.output, told.output
    (path,) = (project.root / "reports").glob("ledger/2*/result.json")
    shared = [one for one in path.parent.rglob("*") if one.is_file() and "private" not in one.parts]
    assert not any(b"correct-horse" in one.read_bytes() for one in shared)


def test_a_message_quotes_no_secret(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    url = "postgresql://ann:hunter2hunter2@127.0.0.1:1/nothing"
    monkeypatch.setenv("LEDGER_URL", url)
    refused = command("run", str(project.ledger.parameters))
    assert refused.exit_code == 3 and "hunter2" not in refused.output

    def failing(*_: object) -> None:
        raise ValueError(url)  # a fault of ours, whose traceback quotes it

    monkeypatch.setattr("dsaudit.run.run", failing)
    broken = command("run", str(project.ledger.parameters))
    assert broken.exit_code == 3 and "Traceback" in broken.output and "hunter2" not in broken.output
    mistaken = command("run", str(project.ledger.parameters), "--set", f"{url}")
    assert mistaken.exit_code == 3 and "hunter2" not in mistaken.output, mistaken.output
