"""Reading code, and folding what it says to values."""

from __future__ import annotations

import textwrap
from pathlib import Path
from types import MappingProxyType

import pytest
from hypothesis import given, settings

from dsaudit.codebase import Unresolved, functions, list_literal, practices, read, read_texts
from dsaudit.codebase.values import value
from tests.programs import code_of, plain_programs, wild_programs

# --- reading


def test_every_file_below_the_root_is_read_but_for_what_is_not_the_integrations(tmp_path: Path) -> None:
    for name in (
        "app/a.py",
        "venv/b.py",
        ".git/c.py",
        "node_modules/d.py",
        "own/lib/e.py",
        "tests/f.py",
        "app/test_g.py",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x = 1\n")
    (tmp_path / "own" / "pyvenv.cfg").write_text("")
    assert [module.file for module in read(tmp_path).modules.values()] == ["app/a.py"]
    assert {module.file for module in read(tmp_path, tests=True).modules.values()} == {
        "app/a.py",
        "app/test_g.py",
        "tests/f.py",
    }


def test_a_file_that_does_not_parse_is_a_problem_with_its_place_and_the_others_are_read(tmp_path: Path) -> None:
    (tmp_path / "good.py").write_text("x = 1\n")
    (tmp_path / "bad.py").write_text("x = 1\nif x\n    pass\n")
    (tmp_path / "null.py").write_bytes(b"x = 1\x00\n")
    (tmp_path / "latin.py").write_bytes(b"# coding: latin-1\nx = '\xe9'\n")
    (tmp_path / "unknown.py").write_bytes(b"x = '\xe9'\n")
    (tmp_path / "deep.py").write_text("x = " + "(" * 500 + ")" * 500)
    (tmp_path / "warns.py").write_text("x = '\\d'\n")
    (tmp_path / "broken.py").symlink_to(tmp_path / "nowhere.py")
    code = read(tmp_path)
    assert sorted(code.modules) == ["good", "latin", "warns"]
    assert {problem.file for problem in code.problems} == {"bad.py", "null.py", "unknown.py", "deep.py"}
    assert str(next(one for one in code.problems if one.file == "bad.py")).startswith("bad.py:2:5: does not parse")
    assert value(code, "latin", "x") == "é"


def test_a_root_that_is_no_folder_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(NotADirectoryError, match="nowhere is not a folder of code"):
        read(tmp_path / "nowhere")


def test_nothing_of_the_code_is_run(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    (tmp_path / "main.py").write_text(f"open({str(trace)!r}, 'w').close()\nSCOPES = [open({str(trace)!r}, 'w').name]\n")
    assert list_literal(read(tmp_path)).items == ()
    assert not trace.exists()


# --- folding, held against Python itself


def outcome(program: str) -> dict[str, object]:
    names: dict[str, object] = {}
    exec(program, names)
    return {name: result for name, result in names.items() if name.startswith("name_")}


@settings(max_examples=80, deadline=None)
@given(plain_programs())
def test_plain_programs_fold_to_what_python_makes_of_them(program: str) -> None:
    code = read_texts({"main.py": program})
    for name, expected in outcome(program).items():
        folded = value(code, "main", name)
        assert (type(folded), folded) == (type(expected), expected)


@settings(max_examples=120, deadline=None)
@given(wild_programs())
def test_wild_programs_fold_to_what_python_makes_of_them_or_to_unresolved(program: str) -> None:
    code = read_texts({"main.py": program})
    for name, expected in outcome(program).items():
        folded = value(code, "main", name)
        assert isinstance(folded, Unresolved) or (type(folded), folded) == (type(expected), expected)


@settings(max_examples=80, deadline=None)
@given(wild_programs())
def test_a_local_list_has_pythons_elements_or_something_unresolved(program: str) -> None:
    body = textwrap.indent(program.replace("global ", "nonlocal "), "    ")
    text = f"def run():\n{body}\n    return dict(locals())\n"
    names: dict[str, object] = {}
    exec(text, names)
    code = read_texts({"main.py": text})
    for name, expected in names["run"]().items():  # type: ignore[operator]
        if isinstance(expected, list) and name.startswith("name_"):
            items = list_literal(code, f"run.{name}")
            assert items.unresolved or sorted(items.values) == sorted(expected)  # type: ignore[type-var]


EXPRESSIONS = MappingProxyType(
    {
        "'a' + 'b'": "ab",
        "('a',) + ('b',)": ("a", "b"),
        "{'a': 1, **{'b': 2}}": {"a": 1, "b": 2},
        "{'a', 'b'} | {'c'}": {"a", "b", "c"},
        "f'{RESOURCE}/{1 + 1}'": "orders/2",
        "[f'{r}/{a}' for r in (RESOURCE, 'x') for a in ['c', 'd'] if a != 'd']": ["orders/c", "x/c"],
        "{r: r.upper() for r in [RESOURCE]}": {"orders": "ORDERS"},
        "'a,b'.split(',')": ["a", "b"],
        "','.join(['a', RESOURCE])": "a,orders",
        "TABLE['k'][0]": "v",
        "Settings.NAMES": ["orders", "n"],
        "Settings.Inner.DEEP": "deep",
        "Topic.PAID": "orders/paid",
        "[topic.value for topic in Topic]": ["orders/paid", "orders/void"],
        "Plain.ONE.value": "one",
        "list(TABLE)": ["k"],
        "-1": -1,
        "not RESOURCE": False,
        "RESOURCE or unknown()": "orders",
    }
)
AROUND = """
    from enum import Enum, StrEnum
    RESOURCE = "orders"
    TABLE = {"k": ("v",)}
    class Settings:
        NAMES = [RESOURCE]
        NAMES += ["n"]
        class Inner:
            DEEP = "deep"
    class Topic(StrEnum):
        PAID = RESOURCE + "/paid"
        VOID = f"{RESOURCE}/void"
    class Plain(Enum):
        ONE = "one"
"""


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_simple_expressions_are_folded(expression: str) -> None:
    code = read_texts({"main.py": textwrap.dedent(AROUND) + f"RESULT = {expression}\n"})
    assert value(code, "main", "RESULT") == EXPRESSIONS[expression]


NOT_FOLDED = {
    "open('x').read()": "a call",
    "os.environ['SCOPES'].split(',')": "not part of the code",
    "unknown": "not assigned",
    "['a'] * 1000000000": "Mult",
    "'a'.zfill(10**9)": "a call",
    "f'{RESOURCE:>99999999}'": "not folded",
    "[x for x in unknown]": "not assigned",
    "[1, 2][5]": "IndexError",
    "RESOURCE + 1": "TypeError",
    "'a' if RESOURCE else 'b'": "IfExp",
    "Plain.ONE": "enumeration",
    "f'{Mixed.ONE}'": "not folded",
    "lambda: 1": "Lambda",
    "[y for x in [1] for y in [x] * 3]": "Mult",
    "RESULT": "before it is assigned",
    "str": "not assigned",
}


@pytest.mark.parametrize("expression", NOT_FOLDED)
def test_everything_else_is_unresolved_with_its_place_and_reason(expression: str) -> None:
    text = textwrap.dedent(AROUND) + "class Mixed(str, Enum):\n    ONE = 'one'\nimport os\n"
    code = read_texts({"main.py": text + f"RESULT = {expression}\n"})
    folded = value(code, "main", "RESULT")
    assert isinstance(folded, Unresolved)
    assert (folded.file, folded.line) == ("main.py", len(text.splitlines()) + 1)
    assert NOT_FOLDED[expression] in folded.why


def test_hostile_expressions_end_soon_and_as_unresolved() -> None:
    doubled = "a0 = ['x', 'y']\n" + "".join(f"a{n + 1} = [*a{n}, *a{n}]\n" for n in range(60))
    long = "b = " + " + ".join(["'x'"] * 3000)
    code = read_texts({"main.py": doubled, "long.py": long, "circle.py": "c = d\nd = c\n"})
    assert "larger than" in str(value(code, "main", "a60"))
    assert isinstance(value(code, "circle", "c"), Unresolved)
    assert "long" not in code.modules or isinstance(value(code, "long", "b"), str | Unresolved)
    assert list_literal(code, "a60").unresolved


def test_names_that_are_made_of_each_other_end_soon_too() -> None:
    names = [f"n{number}" for number in range(12)]
    tangle = "".join(f"    {one} = {other}['k'] or {other}.get('k')\n" for one in names for other in names)
    code = read_texts({"main.py": f"def fetch_and_ingest_x(n0):\n{tangle}    return n0['k']()\n"})
    (function,) = functions(code)
    assert practices(code, function).errors.state in {"absent", "unresolved"}
    assert list_literal(code, "n1").unresolved


def test_modules_and_classes_that_lead_in_a_circle_end() -> None:
    code = code_of(
        """
        from one import NAME
        class Loop(Other): pass
        class Other(Loop): pass
        def fetch_and_ingest_x(): return Loop().ask(NAME)
        """,
        one="from two import NAME\n",
        two="from one import NAME\n",
    )
    (function,) = functions(code)
    assert practices(code, function).logging.state in {"absent", "unresolved"}
    assert isinstance(value(code, "one", "NAME"), Unresolved)
