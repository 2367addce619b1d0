"""What is made once in a run: by one process of several, whole or not at all, and for each question."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from dsaudit.once import once
from examples.control import poll

MAKES = """
import sys, time
from pathlib import Path
from dsaudit.once import once
def make():
    with open(sys.argv[2], 'a') as file: file.write('made ')
    time.sleep(float(sys.argv[3]))
    return {'a': [1, None, 'ü']}
print(once(Path(sys.argv[1]), 'kind', ['what', 1], make))
"""
ANSWER = {"a": [1, None, "ü"]}


def making(folder: Path, seconds: float) -> subprocess.Popen[str]:
    words = [sys.executable, "-c", MAKES, str(folder), str(folder / "log"), str(seconds)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True)


def asked(folder: Path, answer: Any = None, what: Any = ("what", 1)) -> Any:
    """Ask in this process, which makes an answer of its own where there is none."""
    return once(folder, "kind", what, lambda: answer)


def test_of_several_processes_one_makes_it_and_all_have_it(tmp_path: Path) -> None:
    several = [making(tmp_path, 1) for _ in range(4)]
    assert {one.communicate()[0].strip() for one in several} == {str(ANSWER)}
    assert (tmp_path / "log").read_text(encoding="utf-8") == "made "
    assert asked(tmp_path) == ANSWER
    (kept,) = (tmp_path / "kind").iterdir()
    assert kept.stat().st_mode & 0o777 == 0o600 and kept.parent.stat().st_mode & 0o777 == 0o700


def test_one_that_dies_meanwhile_keeps_nobody_waiting(tmp_path: Path) -> None:
    dying = making(tmp_path, 600)
    assert any((tmp_path / "log").exists() for _ in poll(60, pause=0.05))
    waiting = making(tmp_path, 0)
    with pytest.raises(subprocess.TimeoutExpired):
        waiting.wait(1)
    dying.kill()
    dying.communicate()
    begun = time.monotonic()
    assert waiting.communicate()[0].strip() == str(ANSWER)
    assert time.monotonic() - begun < 30


def test_what_is_not_whole_is_no_answer(tmp_path: Path) -> None:
    assert asked(tmp_path, [1, "two"]) == [1, "two"]
    (path,) = (tmp_path / "kind").iterdir()
    whole = path.read_bytes()
    for number in range(len(whole)):
        path.write_bytes(whole[:number])
        assert asked(tmp_path, number) == number
    for torn in (whole[:-1] + b"\0", b"\xff" + whole[1:], whole + b"\n"):
        path.write_bytes(torn)
        assert asked(tmp_path, "anew") == "anew"


def test_what_fails_is_tried_again(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        once(tmp_path, "kind", ["what", 1], lambda: 1 // 0)
    assert asked(tmp_path, "made") == asked(tmp_path, "not made") == "made"


def test_another_question_has_another_answer(tmp_path: Path) -> None:
    assert [asked(tmp_path, n, what) for n, what in enumerate(["a", "b", {"b": 1}, "a"])] == [0, 1, 2, 0]
    assert once(tmp_path, "other", "a", lambda: 9) == 9


def test_a_run_that_has_gone_elsewhere_gets_no_folder(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        asked(tmp_path / "gone")
