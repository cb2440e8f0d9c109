"""Check the layers of the Rust workspace: what may depend on what, where `unsafe` and PyO3 may be named.

`sys, proc <- engine <- py`. Only groundhog-sys holds unsafe code; every other crate forbids it at its root.
Only groundhog-py names pyo3. Run by `make lint`; prints each breach on a line and exits 1 if there is one.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
MAY_DEPEND_ON: dict[str, set[str]] = {
    "groundhog-sys": set(),
    "groundhog-proc": set(),
    "groundhog-engine": {"groundhog-sys", "groundhog-proc"},
    "groundhog-py": {"groundhog-engine"},
    "groundhog-test-programs": set(),  # functions that tests serve
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


def main() -> int:
    """Ask cargo for the workspace and print its breaches."""
    command = ["cargo", "metadata", "--no-deps", "--format-version", "1"]
    answer = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE)
    found = breaches(json.loads(answer.stdout)["packages"])
    print("\n".join(found), end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
