"""The Node launcher, in a process of its own."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.core.launcher import Launcher

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Source = Callable[[str, str], Path]

pytestmark = pytest.mark.usefixtures("no_leaks")
ACK = {"ok": True, "groundhog": 1}
ECHO = "module.exports = (params) => params;\n"


@pytest.mark.parametrize(
    ("name", "text", "entry"),
    [
        ("h.js", "module.exports = (p) => ({got: p});", None),
        ("h.js", "module.exports = async (p) => ({got: p});", None),
        ("h.js", "exports.main = (p) => ({got: p});", None),
        ("h.cjs", "exports.main = async (p) => ({got: p});", None),
        ("h.js", "exports.other = (p) => ({got: p});", "other"),
        ("h.js", "exports.api = {call: (p) => ({got: p})};", "api.call"),
        ("h.js", "function main(p) { return {got: p}; }", None),
        ("h.js", "const main = async (p) => ({got: p});", None),
        ("h.js", "function hidden(p) { return {got: p}; }\nexports.main = 1;", "hidden"),
        ("h.js", "const api = {call: (p) => ({got: p})};", "api.call"),
        ("h.js", "'use strict';\nfunction main(p) { return {got: p}; } // no newline at the end", None),
        ("h.mjs", "export function main(p) { return {got: p}; }", None),
        ("h.mjs", "export default async (p) => ({got: p});", None),
        ("h.mjs", "export const other = (p) => ({got: p});", "other"),
        ("h.mjs", "await null; export default {main: (p) => ({got: p})};", None),
        ("h.js", "export default (p) => ({got: p});", None),
        ("h.js", "import fs from 'fs';\nexport const main = (p) => ({got: p});", None),
        ("h.js", "module.exports = (p) => new Promise((r) => setTimeout(r, 1, {got: p}));", None),
        ("h.js", "module.exports = {then: undefined, main: (p) => ({got: p})};", None),
        ("h.js", "exports.handler = async (p) => ({got: p});", None),
        ("h.js", "export const handler = async (p) => ({got: p});", None),
        ("h.mjs", "export const handler = (p) => ({got: p});", None),
        ("h.js", "const handler = (p) => ({got: p});", None),
        ("h.js", "exports.handler = () => 1;\nexports.main = (p) => ({got: p});", None),
        ("h.js", "function main() { return 1; }\nexports.handler = (p) => ({got: p});", None),
    ],
)
def test_kinds_of_functions(source: Source, name: str, text: str, entry: str | None) -> None:
    with Launcher(source(name, text), entry) as it:
        assert it.line() == ACK
        for number in range(3):
            assert it.call(number) == {"got": number}
            assert it.ask({"groundhog": "noop"}) == {}


def test_a_module_by_its_package(source: Source) -> None:
    source("package.json", '{"type": "module"}')
    with Launcher(source("lib/h.js", "export const main = (p) => [p];")) as it:
        assert it.line() == ACK
        assert it.call(1) == [1]


def test_text_in_any_script(source: Source) -> None:
    with Launcher(source("h.js", ECHO)) as it:
        it.line()
        assert it.call({"a": ["❄", 1, None]}) == {"a": ["❄", 1, None]}
        assert it.ask({}) == {}


def test_the_module_runs_once(source: Source) -> None:
    text = "globalThis.runs = (globalThis.runs || 0) + 1;\nfunction main() { return [globalThis.runs]; }\n"
    with Launcher(source("h.js", text)) as it:
        it.line()
        assert it.call() == [1]


def test_the_context(source: Source) -> None:
    text = (
        "module.exports = (event, context) => ({id: context.awsRequestId, name: context.functionName,"
        " deadline: context.deadlineMs, left: context.getRemainingTimeInMillis()});\n"
    )
    with Launcher(source("h.js", text)) as it:
        it.line()
        answer = it.call(activation_id="7", deadline="99999999999999")
        assert answer["left"] > 0
        assert {**answer, "left": 1} == {"id": "7", "name": "h", "deadline": 99999999999999, "left": 1}
        assert it.call(deadline="1", action_name="a")["left"] == 0
        assert it.call(deadline="soon")["deadline"] == 0


def test_context_in_the_environment(source: Source) -> None:
    text = (
        "module.exports = () =>"
        " Object.fromEntries(Object.entries(process.env).filter(([k]) => k.startsWith('__OW_')));\n"
    )
    with Launcher(source("h.js", text)) as it:
        it.line()
        assert it.call(activation_id="7", empty="", number=5, nested={"a": 1}) == {
            "__OW_ACTIVATION_ID": "7",
            "__OW_EMPTY": "",
            "__OW_NUMBER": "5",
            "__OW_NESTED": '{"a":1}',
        }


@pytest.mark.parametrize(
    ("throws", "expected"),
    [
        ("throw new TypeError('no user')", "no user"),
        ("return Promise.reject(new Error('no user'))", "no user"),
        ("throw 'text'", "text"),
        ("return Promise.reject({code: 5})", {"code": 5}),
        ("throw undefined", "undefined"),
        ("throw null", None),
        ("throw 5n", "5"),
        ("const o = {}; o.o = o; return o", "Converting circular structure to JSON"),
        ("return {a: 5n}", "Do not know how to serialize a BigInt"),
        ("return require('nowhere')", "Cannot find module 'nowhere'"),
    ],
)
def test_errors_are_answers(source: Source, throws: str, expected: Any) -> None:
    with Launcher(source("h.js", f"module.exports = () => {{ {throws} }};\n")) as it:
        it.line()
        for _ in range(2):
            error = it.call()["error"]
            assert error == expected or error.startswith(f"{expected}\n")
        assert it.printed()[1]


def test_the_stack_goes_to_the_log(source: Source) -> None:
    with Launcher(source("h.js", "module.exports = () => { throw new TypeError('no user'); };\n")) as it:
        it.line()
        it.call()
        stderr = it.printed()[1]
        assert "TypeError: no user\n    at " in stderr
        assert "h.js:1" in stderr
        assert "launcher" not in stderr


@pytest.mark.parametrize(
    "throws",
    [
        "throw new Error('no user', {cause: new TypeError('why')})",
        "await null; throw new Error('no user')",
        "const e = new Error('no user'); e.code = 5; e.cause = e; throw e",
        "const e = new Error('no user'); Object.freeze(e); throw e",
    ],
)
def test_stacks_of_all_kinds_are_shown(source: Source, throws: str) -> None:
    with Launcher(source("h.js", f"module.exports = async () => {{ {throws}; }};\n")) as it:
        it.line()
        for _ in range(2):
            assert it.call() == {"error": "no user"}
        stderr = it.printed()[1]
        assert "no user" in stderr
        assert "launcher" not in stderr or "freeze" in throws


@pytest.mark.parametrize(
    "throws",
    [
        "e.stack = 5",
        "Object.defineProperty(e, 'stack', {get() { throw 1; }})",
        "console.error = () => { throw 1; }",
    ],
)
def test_an_error_that_cannot_be_shown_is_an_answer_all_the_same(source: Source, throws: str) -> None:
    text = f"module.exports = () => {{ const e = new Error('no user'); {throws}; throw e; }};\n"
    with Launcher(source("h.js", text)) as it:
        it.line()
        for _ in range(2):
            assert it.call() == {"error": "no user"}


def test_the_stack_of_code_that_does_not_load(source: Source) -> None:
    with Launcher(source("h.js", "function f() { throw new Error('odd'); }\nf();\n")) as it:
        assert it.line()["error"] == "Error: odd (h.js, line 1)"
        it.wait()
        stderr = it.printed()[1]
        assert "h.js:2" in stderr
        assert "launcher" not in stderr


@pytest.mark.parametrize(
    ("result", "expected"),
    [("undefined", None), ("null", None), ("5", 5), ("'text'", "text"), ("() => 1", None)],
)
def test_results_that_are_no_objects_are_for_the_supervisor_to_refuse(
    source: Source, result: str, expected: object
) -> None:
    with Launcher(source("h.js", f"module.exports = () => ({result});\n")) as it:
        it.line()
        assert it.call() == expected


def test_output_is_in_the_pipes_before_the_answer(source: Source) -> None:
    text = "module.exports = () => { console.log('out ❄'); console.error('err'); return {}; };\n"
    with Launcher(source("h.js", text)) as it:
        it.line()
        assert it.printed() == ("", "")
        it.call()
        assert it.printed() == ("out ❄\n", "err\n")


def test_megabytes_in_pieces(source: Source) -> None:
    with Launcher(source("h.js", "module.exports = (p) => ({length: p.length});\n")) as it:
        it.line()
        os.set_blocking(it.pipes.request, True)
        assert it.call("❄" * 1_000_000) == {"length": 1_000_000}


def test_two_requests_at_once_are_answered_one_after_the_other(source: Source) -> None:
    with Launcher(source("h.js", ECHO)) as it:
        it.line()
        os.write(it.pipes.request, b'{"value":[1]}\n{"value":[2]}\n{"value":')
        assert it.line() == [1]
        assert it.line() == [2]
        os.write(it.pipes.request, b"[3]}\n")
        assert it.line() == [3]


def test_timers_take_their_time_however_long_the_process_was_idle(source: Source) -> None:
    """The clock of the event loop stands still in a blocking read: a timer must not count from there."""
    text = (
        "module.exports = async (p) => {\n"
        "  const start = process.hrtime.bigint();\n"
        "  await new Promise((r) => setTimeout(r, 50));\n"
        "  return [Number(process.hrtime.bigint() - start) / 1e6];\n"
        "};\n"
    )
    with Launcher(source("h.js", text)) as it:
        it.line()
        it.call()
        time.sleep(0.2)  # idle time is what this is about
        assert it.call()[0] > 45


@pytest.mark.parametrize(
    "touch", ["process.stdin.resume()", "process.stdin.on('data', () => {})", "process.stdin"]
)
def test_a_function_that_reads_its_stdin_does_not_get_requests(source: Source, touch: str) -> None:
    with Launcher(source("h.js", f"{touch};\n{ECHO}")) as it:
        assert it.line() == ACK
        for number in range(3):
            assert it.call([number]) == [number]


def test_children_cannot_read_requests_nor_write_answers(source: Source) -> None:
    text = (
        "module.exports = () => {\n"
        "  const stdio = ['inherit', 'pipe', 'pipe'];\n"
        "  const ran = require('child_process').spawnSync('sh', ['-c', 'cat; echo forged >&3'], {stdio});\n"
        "  return {out: ran.stdout.toString(), status: ran.status};\n"
        "};\n"
    )
    with Launcher(source("h.js", text)) as it:
        it.line()
        answer = it.call()
        assert answer["out"] == ""
        assert answer["status"] != 0


def test_the_collector_stays_hidden(source: Source) -> None:
    with Launcher(
        source("h.js", "module.exports = () => [typeof gc, process.execArgv.length >= 0];\n")
    ) as it:
        it.line()
        assert it.ask({"groundhog": "prepare"}) == {"ok": True, "hooks": False, "before_restore": False}
        assert it.call() == ["undefined", True]


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("h.js", "require('nowhere');", "Error: Cannot find module 'nowhere' (h.js, line 1)"),
        ("h.js", "\nthrow new TypeError('odd');", "TypeError: odd (h.js, line 2)"),
        ("h.js", "\nfunction main( {\n", "SyntaxError: Unexpected token"),
        ("h.mjs", "export const main = (\n", "SyntaxError: Unexpected"),
        ("h.js", "throw 'text';", "text"),
        (
            "h.js",
            "exports.other = () => 1;",
            "TypeError: h.js neither exports nor defines a function 'main' or 'handler'",
        ),
        ("h.js", "exports.main = 5;", "TypeError: 'main' or 'handler' in h.js is not a function"),
        ("h.js", "process.exit(0);", "the process ended while loading h.js"),
        (
            "h.mjs",
            "await new Promise(() => {}); export const main = 1;",
            "the process ended while loading h.mjs",
        ),
    ],
)
def test_code_that_does_not_load(source: Source, name: str, text: str, expected: str) -> None:
    with Launcher(source(name, text)) as it:
        said = it.line()
        assert said["ok"] is False
        assert said["error"].startswith(expected)
        assert "\n" not in said["error"]
        status = it.wait()
        assert status is not None
        assert status != "exited 0"


def test_a_missing_entry_is_named(source: Source) -> None:
    with Launcher(source("h.js", "exports.other = 5;"), "other") as it:
        assert it.line() == {"ok": False, "error": "TypeError: 'other' in h.js is not a function"}


def test_an_entry_that_is_named_is_not_replaced(source: Source) -> None:
    with Launcher(source("h.js", "exports.handler = () => [];"), "main") as it:
        error = "TypeError: h.js neither exports nor defines a function 'main'"
        assert it.line() == {"ok": False, "error": error}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("process.exit(4)", "exited 4"),
        ("process.kill(process.pid, 'SIGKILL')", "killed by signal 9"),
        (
            "return new Promise(() => setImmediate(() => { throw new Error('loose'); }))",
            "exited 1",
        ),
    ],
)
def test_a_function_that_ends_its_process(source: Source, text: str, expected: str) -> None:
    with Launcher(source("h.js", f"module.exports = () => {{ {text} }};\n")) as it:
        it.line()
        assert it.call() is None
        assert it.wait() == expected


def test_it_ends_when_its_input_does(source: Source) -> None:
    with Launcher(source("h.js", f"setInterval(() => 1, 1000);\n{ECHO}")) as it:
        it.line()
        it.hang_up()
        assert it.wait() == "exited 0"
