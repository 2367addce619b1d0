"""A kernel that is forked is as one that is started: it shows the same, and nothing passes from one to the next."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import time
from typing import Any

import nbformat
import psutil
import pytest
from jupyter_client.manager import AsyncKernelManager

from dsaudit import forkserver
from dsaudit.evidence import Secrets
from dsaudit.run import ahead, kernels
from dsaudit.run.execute import Phase, execute_one
from dsaudit.run.scrubbing import cleaned
from tests.command_lines import DSAUDIT
from tests.run.conftest import Project

SHOWS = [
    "import os, sys; print('said'); print('complained', file=sys.stderr)",
    "import pandas as pd; pd.DataFrame({'a': [1, None], 'b': ['<x>', 'ü']})",
    "from IPython.display import Markdown, display; display(Markdown('# one'), Markdown('*two*')); 1 / 3",
    "import matplotlib.pyplot as plt; plt.plot([1, 3, 2]); plt.title('a $b$ c')",
    "from dsaudit import plots; plots.latency(pd.DataFrame());",
    "plt.get_backend(), __name__, sys.argv[1:2], os.getcwd(), os.getenv('MARK')",
    "type(get_ipython()).__name__, plt.rcParams['figure.dpi'], pd.get_option('display.max_rows'), sys.flags.dev_mode",
    "shown = display('before', display_id=True); shown.update('after')",
    "!echo from a shell",
    "1 / 0",
]
LEAVES = """
import os, random
import matplotlib as mpl, numpy as np, pandas as pd
size, width = mpl.rcParams['font.size'], pd.get_option('display.width')
print(os.environ.get('LEFT'), width, size, hasattr(pd, 'left'), os.getcwd())
os.environ['LEFT'] = pd.left = 'left'
pd.set_option('display.width', 7)
mpl.rcParams['font.size'] = 3
os.chdir('/')
random.random(), np.random.random()
"""


def outputs(phase: Phase) -> list[list[dict[str, Any]]]:
    """Return what the cells of an executed notebook show, but for papermill's own and the number of the process."""
    cells = nbformat.read(phase.path, as_version=4).cells
    return [
        [{**one, "traceback": None} for one in cell.outputs]
        for cell in cells
        if cell.cell_type == "code" and "injected-parameters" not in cell.metadata.get("tags", [])
    ]


def executed(project: Project, name: str, target: str) -> Phase:
    source = project.root / "notebooks" / "datasource" / f"{name}.ipynb"
    return execute_one(source, project.root / target, project.ledger.parameters)


def test_outputs_are_those_of_a_kernel_that_is_started(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARK", "of the runner")
    project.raw_notebook("05_shows", ['system = "x"', *SHOWS])
    forked = executed(project, "05_shows", "forked.ipynb")
    monkeypatch.setattr(kernels, "MANAGER", AsyncKernelManager)
    started = executed(project, "05_shows", "started.ipynb")
    assert forked.ended_by == started.ended_by == "ZeroDivisionError in a cell"
    assert outputs(forked) == outputs(started)
    kinds = {kind for cell in outputs(forked) for one in cell for kind in (one.get("data") or {"stream": 1})}
    assert {"image/png", "text/html", "text/markdown", "text/plain", "stream"} <= kinds


@pytest.mark.skipif(not forkserver.IS_USED, reason="kernels are forked on Linux alone")
def test_nothing_passes_from_one_kernel_to_the_next(project: Project) -> None:
    project.raw_notebook("05_leaves", ['system = "x"', LEAVES])
    first, second = (outputs(executed(project, "05_leaves", f"{number}.ipynb"))[-1] for number in (1, 2))
    assert first[0] == second[0]
    assert first[1]["data"] != second[1]["data"]  # each draws its own


@pytest.mark.skipif(not forkserver.IS_USED, reason="kernels are forked on Linux alone")
def test_kernels_that_were_forked_ahead_are_taken_first_and_the_others_end(project: Project) -> None:
    project.raw_notebook("05_tells", ['system = "x"', "import os; os.getpid()"])
    with ahead.possible(2) as begin:
        begin()
        while len(waiting := _waiting()) < 2:
            time.sleep(0.01)
        (told,) = outputs(executed(project, "05_tells", "told.ipynb"))[-1]
        taken = int(told["data"]["text/plain"])
        assert taken in waiting
        assert _waiting() == waiting - {taken}
    assert _waiting() == set()


def test_nothing_is_forked_where_nothing_was_begun() -> None:
    before = _waiting()
    with ahead.possible(2):
        assert _waiting() == before
    assert _waiting() == before


def _waiting() -> set[int | None]:
    return {one.pid for one in multiprocessing.active_children() if one.name == kernels.NAME}


def test_a_kernel_that_ends_before_it_answers_ends_the_phase(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "_serve", _end)
    phase = executed(project, "04_once", "ended.ipynb")
    assert phase.ended_by == "RuntimeError: the kernel died or did not answer"


@pytest.mark.skipif(not forkserver.IS_USED, reason="kernels are forked on Linux alone")
def test_ctrl_c_in_the_terminal_says_one_line_while_the_process_begins_that_kernels_come_from(
    project: Project,
) -> None:
    words = [*DSAUDIT, "run", "parameters/ledger.yml"]
    for seconds in (0.0, 0.3, 1.0):
        running = subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
        )
        while not (begun := _forkserver_of(running.pid)):
            time.sleep(0.01)
        time.sleep(seconds)
        os.killpg(running.pid, signal.SIGINT)
        said, _ = running.communicate(timeout=60)
        begun.wait(60)
        assert said.strip().splitlines()[-1].startswith("stopped") and "Traceback" not in said


def _forkserver_of(number: int) -> psutil.Process | None:
    children = psutil.Process(number).children()
    return next((one for one in children if "multiprocessing.forkserver" in " ".join(one.cmdline())), None)


def _end(*_: object) -> None:
    raise SystemExit(1)


def test_a_long_line_is_kept_whole_and_what_was_overwritten_is_not(project: Project) -> None:
    progress = "print('1 %\\r2 %\\r3 %\\r', end=''); print('é' * 1_000_000, flush=True); print('50 %\\r100 %', end='')"
    project.raw_notebook("05_long", ['system = "x"', progress])
    phase = executed(project, "05_long", "long.ipynb")
    (shown,) = outputs(cleaned_of(phase))[-1]
    assert phase.is_whole and shown["text"] == "é" * 1_000_000 + "\n100 %"


def test_a_cell_that_leaves_python_is_named(project: Project) -> None:
    project.raw_notebook("05_left", ['system = "x"', "raise SystemExit(0)", "print('never')"])
    assert executed(project, "05_left", "left.ipynb").ended_by == "SystemExit in a cell"


def cleaned_of(phase: Phase) -> Phase:
    """Return a phase with its notebook as a run writes it."""
    notebook = cleaned(nbformat.read(phase.path, as_version=4), Secrets([]))
    nbformat.write(notebook, phase.path)
    return phase
