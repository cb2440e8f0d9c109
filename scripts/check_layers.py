"""Check the layers of the Rust workspace: what may depend on what, where `unsafe` and PyO3 may be named.

`sys, proc <- engine <- py`, and `json <- py`. Only groundhog-sys holds unsafe code; every other crate forbids
it at its root. Only groundhog-py names pyo3. Functions know the helper alone. Within the engine, the session
stands over the kinds of state, which never name each other; these stand over what follows a process, and what
is known of system calls. Run by `make lint`; prints each breach on a line and exits 1 if there is one.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
MAY_DEPEND_ON: dict[str, set[str]] = {
    "groundhog-sys": set(),
    "groundhog-proc": set(),
    "groundhog-engine": {"groundhog-sys", "groundhog-proc"},
    "groundhog-json": set(),
    "groundhog-py": {"groundhog-engine", "groundhog-json"},
    "groundhog": set(),  # the helper for functions in Rust
    "groundhog-test-programs": {"groundhog"},  # functions that tests serve
    "tickets": {"groundhog"},  # an example of one
}
ENGINE = ROOT / "crates" / "groundhog-engine" / "src"
BASE = {"arch", "duplicate", "error", "report", "strategy"}
KIND_OF_STATE = BASE | {"component", "syscalls", "trace"}
MAY_NAME: dict[str, set[str]] = {
    "arch": set(),
    "duplicate": set(),
    "error": set(),
    "strategy": set(),
    "report": {"strategy"},
    "syscalls": {"arch", "duplicate", "error"},
    "trace": {"arch", "error"},
    "component": BASE | {"syscalls", "trace"},
    "memory": KIND_OF_STATE,
    "descriptors": KIND_OF_STATE,
    "kernel_state": KIND_OF_STATE,
    "files": KIND_OF_STATE,
    "session": KIND_OF_STATE | {"memory", "descriptors", "kernel_state", "files"},
}
HOLDS_UNSAFE = {"groundhog-sys"}
NAMES_PYO3 = {"groundhog-py"}
FORBID = "#![forbid(unsafe_code)]"


def breaches(packages: list[dict[str, Any]]) -> list[str]:
    """Return a line for each breach.

    Args:
        packages: the `packages` of `cargo metadata --no-deps`, which are the members of the workspace.
    """
    found = [
        f"{name}: no such crate in the workspace"
        for name in MAY_DEPEND_ON.keys() - {p["name"] for p in packages}
    ]
    for package in packages:
        name = package["name"]
        if name not in MAY_DEPEND_ON:
            found.append(f"{name}: a crate without a layer: give it one in scripts/check_layers.py")
            continue
        # Tests of a crate may use its layer's helpers; what is shipped may not.
        needed = {d["name"] for d in package["dependencies"] if d["kind"] != "dev"}
        found += [
            f"{name}: depends on {other}, which is not below it"
            for other in sorted(needed & MAY_DEPEND_ON.keys() - MAY_DEPEND_ON[name])
        ]
        if any(other.startswith("pyo3") for other in needed) and name not in NAMES_PYO3:
            found.append(f"{name}: names pyo3, which only groundhog-py may")
        if name not in HOLDS_UNSAFE:
            found += [
                f"{target['src_path']}: lacks {FORBID}"
                for target in package["targets"]
                if {"lib", "cdylib", "bin"} & set(target["kind"])
                and FORBID not in Path(target["src_path"]).read_text("utf-8")
            ]
    return found


def breaches_within(source: Path) -> list[str]:
    """Return a line for each module of a crate that names one which is not below it.

    Args:
        source: the folder of its `lib.rs`. A module is a file in it, or a folder with the file of that name.
    """
    found = []
    for path in sorted(source.rglob("*.rs")):
        module = path.relative_to(source).parts[0].removesuffix(".rs")
        if module == "lib":
            continue
        if module not in MAY_NAME:
            found.append(f"{path}: a module without a layer: give it one in scripts/check_layers.py")
            continue
        text = path.read_text("utf-8")
        if re.search(r"\bcrate::\{", text):
            found.append(f"{path}: names modules in braces, which nobody follows: write one `use` for each")
        named = set(re.findall(r"\bcrate::(\w+)", text))
        found += [
            f"{path}: names {other}, which is not below {module}"
            for other in sorted((named & MAY_NAME.keys()) - MAY_NAME[module] - {module})
        ]
    return found


def main() -> int:
    """Ask cargo for the workspace and print its breaches."""
    command = ["cargo", "metadata", "--no-deps", "--format-version", "1"]
    answer = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE)
    found = breaches(json.loads(answer.stdout)["packages"]) + breaches_within(ENGINE)
    print("\n".join(found), end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
