"""Try all cases, and write docs/conformance.md: ``python -m tests.conformance [--only WORDS]``."""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from tests.conformance.openwhisk import CASES, EXCEPTIONS, container_of

if TYPE_CHECKING:
    from tests.conformance.openwhisk import Case

PAGE = Path(__file__).parents[2] / "docs/conformance.md"
SAME = "as the original"
HEAD = """# Conformance

<!-- Written by `make conformance`: do not edit. -->

What the suites of OpenWhisk's own runtimes expect of a container, case by case: of
[Node](https://github.com/apache/openwhisk-runtime-nodejs),
[Python](https://github.com/apache/openwhisk-runtime-python), and
[shell and Go](https://github.com/apache/openwhisk-runtime-go), each with the cases that all share. The names
are theirs; the tests are ours (`tests/conformance`), and ask `groundhog openwhisk` as the platform does.

| suite | cases | as the original | otherwise, with the reason below |
| --- | ---: | ---: | ---: |
"""


def outcome(case: Case) -> str:
    """What became of it."""
    try:
        with container_of(case) as container:
            case.run(container)
    except Exception as error:  # noqa: BLE001 - it is told
        return f"differs: {str(error) or type(error).__name__}".partition("\n")[0][:300]
    return SAME


def page(results: dict[tuple[str, str], str]) -> str:
    """The whole page."""
    rows = {**results, **EXCEPTIONS}
    suites = list(dict.fromkeys(suite for suite, _ in rows))
    lines = [HEAD]
    for suite in suites:
        found = [result for (of, _), result in rows.items() if of == suite]
        same = found.count(SAME)
        lines.append(f"| {suite} | {len(found)} | {same} | {len(found) - same} |\n")
    for suite in suites:
        lines.append(f"\n## {suite}\n\n| case | |\n| --- | --- |\n")
        lines += [f"| {title} | {result} |\n" for (of, title), result in rows.items() if of == suite]
    return "".join(lines)


def main() -> int:
    """Try them; 1 if one differs without a reason."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance")
    parser.add_argument("--only", default="", help="those whose suite and title have these words")
    only = parser.parse_args().only
    cases = [case for case in CASES if only in f"{case.suite} {case.title}"]
    with ThreadPoolExecutor(2) as trying:
        results = {
            (case.suite, case.title): result
            for case, result in zip(cases, trying.map(outcome, cases), strict=True)
        }
    if not only:
        PAGE.write_text(page(results), "utf-8")
    differing = {name: result for name, result in results.items() if result != SAME}
    for (suite, title), result in differing.items():
        print(f"{suite}: {title}: {result}", file=sys.stderr)
    print(f"{len(results) - len(differing)} of {len(results)} {SAME}")
    return bool(differing)


if __name__ == "__main__":
    sys.exit(main())
