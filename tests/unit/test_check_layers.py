"""The check of the Rust layers finds what it is there to find."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from scripts.check_layers import ENGINE, FORBID, MAY_DEPEND_ON, breaches, breaches_within

if TYPE_CHECKING:
    from pathlib import Path

Packages = dict[str, dict[str, Any]]


@pytest.fixture
def packages(tmp_path: Path) -> Packages:
    """A workspace without a breach."""
    made = {}
    for name, below in MAY_DEPEND_ON.items():
        root = tmp_path / f"{name}.rs"
        root.write_text("" if name == "groundhog-sys" else FORBID)
        made[name] = {
            "name": name,
            "dependencies": [{"name": other, "kind": None} for other in below],
            "targets": [{"kind": ["lib"], "src_path": str(root)}],
        }
    return made


def test_a_layered_workspace_has_no_breach(packages: Packages) -> None:
    assert breaches(list(packages.values())) == []


@pytest.mark.parametrize(
    ("crate", "other"),
    [
        ("groundhog-sys", "groundhog-engine"),
        ("groundhog-proc", "groundhog-sys"),
        ("groundhog-engine", "groundhog-py"),
        ("groundhog-py", "groundhog-sys"),
    ],
)
def test_a_dependency_upwards_or_past_a_layer(packages: Packages, crate: str, other: str) -> None:
    packages[crate]["dependencies"].append({"name": other, "kind": None})
    assert breaches(list(packages.values())) == [f"{crate}: depends on {other}, which is not below it"]


def test_pyo3_in_the_engine(packages: Packages) -> None:
    packages["groundhog-engine"]["dependencies"].append({"name": "pyo3-ffi", "kind": "build"})
    assert breaches(list(packages.values())) == ["groundhog-engine: names pyo3, which only groundhog-py may"]


def test_unsafe_code_not_forbidden(packages: Packages, tmp_path: Path) -> None:
    root = tmp_path / "groundhog-proc.rs"
    root.write_text("//! Parsers.\n")
    assert breaches(list(packages.values())) == [f"{root}: lacks {FORBID}"]


def test_a_crate_without_a_layer(packages: Packages) -> None:
    packages["x"] = {"name": "groundhog-extra", "dependencies": [], "targets": []}
    assert [line for line in breaches(list(packages.values())) if "groundhog-extra" in line]


def test_a_crate_that_is_gone(packages: Packages) -> None:
    del packages["groundhog-proc"]
    assert breaches(list(packages.values())) == ["groundhog-proc: no such crate in the workspace"]


def test_the_engine_has_no_breach_within() -> None:
    assert breaches_within(ENGINE) == []


@pytest.mark.parametrize(
    ("file", "text", "expected"),
    [
        ("memory/pages.rs", "use crate::descriptors::table;", "names descriptors, which is not below memory"),
        ("trace.rs", "fn f() { crate::files::g() }", "names files, which is not below trace"),
        ("strange/x.rs", "", "a module without a layer"),
        ("trace/x.rs", "use crate::{error, session::Tracee};", "names modules in braces"),
    ],
)
def test_a_breach_within_the_engine_is_named(tmp_path: Path, file: str, text: str, expected: str) -> None:
    path = tmp_path / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    (found,) = breaches_within(tmp_path)
    assert found.startswith(f"{path}: ")
    assert expected in found


def test_what_is_below_may_be_named(tmp_path: Path) -> None:
    (tmp_path / "memory.rs").write_text("use crate::trace::process::Process;\nuse crate::memory::vma;")
    (tmp_path / "lib.rs").write_text("pub use crate::session::Tracee;")
    assert breaches_within(tmp_path) == []
