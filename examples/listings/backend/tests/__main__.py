"""Runs the unit tests, and writes what came of them to FOLDER: junit.xml, and coverage.xml as Cobertura has it.

What is covered is measured, line by line, of the modules that the tests are of. Standard library only.
"""

import sys
import unittest
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from types import CodeType, FrameType
from typing import Any
from xml.etree.ElementTree import Element, ElementTree, SubElement, indent

BACKEND = Path(__file__).resolve().parents[1]
MEASURED = [BACKEND / "app" / "services" / name for name in ("deal_metrics.py", "extraction.py")]


class Results(unittest.TestResult):
    """Writes down each test as it ends; one that is made of several parts fails with each of them."""

    def __init__(self) -> None:
        super().__init__()
        self.suite = Element("testsuite", name="unit", timestamp=datetime.now(UTC).isoformat())
        self.begun = 0.0

    def startTest(self, test: unittest.TestCase) -> None:
        super().startTest(test)
        self.begun = perf_counter()
        path, _, name = test.id().rpartition(".")
        self.case = SubElement(self.suite, "testcase", classname=path, name=name)

    def stopTest(self, test: unittest.TestCase) -> None:
        super().stopTest(test)
        self.case.set("time", f"{perf_counter() - self.begun:.6f}")

    def addFailure(self, test: unittest.TestCase, err: Any) -> None:
        super().addFailure(test, err)
        self.told("failure", str(err[1]))

    def addError(self, test: unittest.TestCase, err: Any) -> None:
        super().addError(test, err)
        self.told("error", f"{err[0].__name__}: {err[1]}")

    def addSubTest(self, test: unittest.TestCase, subtest: unittest.TestCase, err: Any) -> None:
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.told("failure" if issubclass(err[0], test.failureException) else "error", str(err[1]))

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:
        super().addSkip(test, reason)
        self.told("skipped", reason)

    def told(self, kind: str, message: str) -> None:
        SubElement(self.case, kind, message=message)

    def document(self) -> Element:
        counts = {"failures": "failure", "errors": "error", "skipped": "skipped"}
        for key, tag in counts.items():
            self.suite.set(key, str(sum(case.find(tag) is not None for case in self.suite)))
        self.suite.set("tests", str(len(self.suite)))
        root = Element("testsuites")
        root.append(self.suite)
        return root


def lines_of(code: CodeType) -> Iterator[int]:
    """The lines of a module that can run."""
    yield from (line for _, _, line in code.co_lines() if line)
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from lines_of(inner)


def ran(folder: Path) -> tuple[Results, Counter[tuple[str, int]]]:
    """Run all tests; what came of them, and how often each line of the measured modules ran."""
    hits, files = Counter[tuple[str, int]](), {str(path) for path in MEASURED}

    def line(frame: FrameType, event: str, _: object) -> Any:
        if event == "line":
            hits[frame.f_code.co_filename, frame.f_lineno] += 1
        return line

    def called(frame: FrameType, event: str, _: object) -> Any:
        return line if frame.f_code.co_filename in files else None

    results = Results()
    sys.settrace(called)
    try:
        unittest.defaultTestLoader.discover(str(folder), top_level_dir=str(BACKEND)).run(results)
    finally:
        sys.settrace(None)
    return results, hits


def covered(hits: Counter[tuple[str, int]]) -> Element:
    root = Element("coverage", timestamp=str(int(datetime.now(UTC).timestamp() * 1000)))
    SubElement(SubElement(root, "sources"), "source").text = str(BACKEND)
    classes = SubElement(SubElement(SubElement(root, "packages"), "package", name="app.services"), "classes")
    total = Counter[bool]()
    for path in MEASURED:
        text = path.read_text(encoding="utf-8")
        counts = {line: hits[str(path), line] for line in sorted({*lines_of(compile(text, str(path), "exec"))})}
        name, rate = path.relative_to(BACKEND).as_posix(), sum(map(bool, counts.values())) / len(counts)
        one = SubElement(classes, "class", name=path.name, filename=name, attrib={"line-rate": f"{rate:.4f}"})
        lines = SubElement(one, "lines")
        for line, count in counts.items():
            SubElement(lines, "line", number=str(line), hits=str(count))
            total[count > 0] += 1
    root.set("line-rate", f"{total[True] / total.total():.4f}")
    return root


def main(target: Path) -> int:
    results, hits = ran(BACKEND / "tests")
    target.mkdir(exist_ok=True)
    for name, document in (("junit.xml", results.document()), ("coverage.xml", covered(hits))):
        indent(document)
        ElementTree(document).write(target / name, encoding="utf-8", xml_declaration=True)
    return not results.wasSuccessful()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))
