"""The gallery's catalog, how it compares answers, and its page. Its functions run in integration tests."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.gallery import page
from tests.gallery.answers import Judge
from tests.gallery.catalog import ENTRIES, FOLDER, Entry
from tests.gallery.environment import NODE_FILES, REQUIREMENTS, ROOT, pins
from tests.gallery.measuring import FAILS, REPLACED, WRONG, Result
from tests.gallery.results import Results

if TYPE_CHECKING:
    from pathlib import Path

    from tests.gallery.catalog import Compared

KINDS = ("python/*.py", "nodejs/*.js", "programs/*.*", "programs/*/Cargo.toml")
FIRST = ENTRIES[0]


def test_each_function_is_listed_once() -> None:
    files = {str(path.relative_to(FOLDER)) for kind in KINDS for path in FOLDER.glob(kind)}
    assert sorted(entry.file for entry in ENTRIES) == sorted(files)


def test_there_are_many() -> None:
    assert len(ENTRIES) >= 60


def test_every_payload_has_a_number_of_its_own() -> None:
    """An answer that is another request's is told by it; nor may it be the warm-up's."""
    for entry in ENTRIES:
        numbers = [payload["n"] for payload in (*entry.payloads, *entry.warmup)]
        assert len(set(numbers)) == len(numbers) >= 2, entry.name


@pytest.mark.parametrize("language", ["python", "nodejs"])
def test_every_package_is_pinned(language: str) -> None:
    dependencies = json.loads(NODE_FILES[0].read_text("utf-8"))["dependencies"]
    pinned = {"python": pins(), "nodejs": dependencies}[language]
    named = {
        name.lower() for entry in ENTRIES if entry.file.startswith(f"{language}/") for name in entry.packages
    }
    assert named <= set(pinned)
    assert all(version[0].isdigit() for version in pinned.values())


def test_every_package_of_node_is_shown() -> None:
    named = {name for entry in ENTRIES if entry.path.suffix == ".js" for name in entry.packages}
    assert named == set(json.loads(NODE_FILES[0].read_text("utf-8"))["dependencies"])


def test_pins_name_no_address() -> None:
    locked = json.loads(NODE_FILES[1].read_text("utf-8"))["packages"]
    assert not [name for name, package in locked.items() if "resolved" in package]
    assert "://" not in REQUIREMENTS.read_text("utf-8")


def test_the_page_is_that_of_the_catalog() -> None:
    """All but the results, which `make gallery` finds out."""
    written = (ROOT / "docs/compatibility.md").read_text("utf-8")
    rows = [line.split(" | ") for line in written.splitlines() if line.startswith("| [`")]
    versions = page.versions()
    wanted = [page.row(entry, Result(), versions).split(" | ") for entry in ENTRIES]
    assert [(*row[:3], row[-1]) for row in rows] == [(*row[:3], row[-1]) for row in wanted]


@pytest.mark.parametrize(
    ("compared", "answers", "fault"),
    [
        ("exactly", [{"a": 1}], None),
        ("exactly", [{"a": 2}], "{'a': 2} instead of {'a': 1}"),
        ("by shape", [{"a": 7}], None),
        ("by shape", [{"a": "7"}], "{'a': '7'} instead of something like {'a': 1}"),
        ("by shape", [{"b": 1}], "{'b': 1} instead of something like {'a': 1}"),
        ("uniquely", [{"a": 1 << 20}, {"a": 1 << 21}], None),
        ("uniquely", [{"a": 1 << 20}, {"a": 1 << 20}], "1048576 came in an earlier answer, too"),
        ("uniquely", [{"a": 1}], "{'a': 1} has nothing that could be told from other answers"),
    ],
)
def test_answers_are_compared(compared: Compared, answers: list[Any], fault: str | None) -> None:
    judge = Judge(compared)
    assert [judge.fault(answer, {"a": 1}) for answer in answers][-1] == fault


def test_identifiers_are_found_at_any_depth() -> None:
    judge = Judge("uniquely")
    fresh: dict[str, Any] = {"all": [{"id": "00000000", "n": 1}]}
    assert judge.fault({"all": [{"id": "11111111", "n": 1}, {"id": "22222222", "n": 1}]}, fresh) is None
    assert judge.fault({"all": [{"id": "33333333", "n": 1}]}, fresh) is None
    again = judge.fault({"all": [{"id": "22222222", "n": 1}]}, fresh)
    assert again == "22222222 came in an earlier answer, too"


def test_results_are_kept_for_the_same_function_alone(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    Results(file).keep(FIRST, Result(requests=3, ratio=1.5))
    kept = Results(file)
    assert kept.current(FIRST) == Result(requests=3, ratio=1.5)
    asked_otherwise = Entry(FIRST.file, FIRST.shows, payloads=({"n": 1},))
    assert kept.current(asked_otherwise) is None
    assert kept.latest(asked_otherwise) == Result(requests=3, ratio=1.5)
    assert kept.current(ENTRIES[1]) is None


def test_a_row_says_what_became_of_a_function() -> None:
    entry = Entry("python/x.py", "what", replaced="a lock", advice="unlock", warmup=())
    result = Result(REPLACED, "killed | so", 20, {"fd-changed": 20}, 0.001, 1.25, None)
    assert page.row(entry, result, {}) == (
        "| [`x`](../tests/gallery/python/x.py) | what |  | replaced 20 of 20 times: a lock | 1.00 | 1.25 |  |"
        " unlock; run without a warm-up |"
    )
    assert page.status(FIRST, Result(WRONG, "1 | 2\n instead")) == "**wrong**: 1 \\| 2 instead"
    assert page.status(FIRST, Result(FAILS, "no")) == "**fails**: no"


def test_the_page_counts() -> None:
    results = {entry.name: Result(requests=20) for entry in ENTRIES}
    results[FIRST.name] = Result(WRONG, "no", 20)
    text = page.render(results, "a machine")
    assert f"Here: {len(ENTRIES) - 1} reverted, 0 replaced, 1 neither. Measured on a machine." in text
    assert "20 requests a way" in " ".join(text.split())
