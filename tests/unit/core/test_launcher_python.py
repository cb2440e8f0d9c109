"""The Python launcher, in a process of its own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.unit.core.launcher import Launcher

if TYPE_CHECKING:
    from collections.abc import Callable

    Source = Callable[[str, str], Path]

pytestmark = pytest.mark.usefixtures("no_leaks")
ACK = {"ok": True, "groundhog": 1}
ECHO = "def main(params):\n    return params\n"


def test_acknowledges_and_answers(source: Source) -> None:
    with Launcher(source("h.py", ECHO)) as it:
        assert it.line() == ACK
        assert it.call({"a": ["❄", 1, None]}) == {"a": ["❄", 1, None]}
        assert it.call([1, 2]) == [1, 2]
        assert it.ask({}) == {}


@pytest.mark.parametrize(
    "text",
    [
        "def main(params):\n    return {'got': params}\n",
        "async def main(params):\n    return {'got': params}\n",
        "import asyncio\nasync def main(params):\n    await asyncio.sleep(0)\n    return {'got': params}\n",
        "async def inner(params):\n    return {'got': params}\ndef main(params):\n    return inner(params)\n",
        "class Main:\n    def __call__(self, params):\n        return {'got': params}\nmain = Main()\n",
        "class Main:\n    async def __call__(self, params):\n        return {'got': params}\nmain = Main()\n",
        "def main(event, context):\n    return {'got': event}\n",
        "async def main(event, context):\n    return {'got': event}\n",
        "def main(params, extra=1):\n    return {'got': params}\n",
        "globals()['handler'] = lambda event: {'got': event}\n",
        "import functools\n@functools.cache\ndef f(): ...\nmain = lambda p, *a, **k: {'got': p}\n",
    ],
)
def test_kinds_of_functions(source: Source, text: str) -> None:
    with Launcher(source("h.py", text)) as it:
        assert it.line() == ACK
        for number in range(3):
            assert it.call(number) == {"got": number}
            assert it.ask({"groundhog": "noop"}) == {}


def test_one_event_loop_for_all_requests(source: Source) -> None:
    text = "import asyncio\nasync def main(p):\n    return {'loop': id(asyncio.get_running_loop())}\n"
    with Launcher(source("h.py", text)) as it:
        it.line()
        assert len({it.call()["loop"] for _ in range(3)}) == 1


def test_the_context(source: Source) -> None:
    text = (
        "def handler(event, context):\n"
        "    return {'id': context.request_id, 'same': context.aws_request_id,\n"
        "            'name': context.function_name,\n"
        "            'deadline': context.deadline_ms, 'left': context.get_remaining_time_in_millis()}\n"
    )
    with Launcher(source("h.py", text)) as it:
        it.line()
        answer = it.call(activation_id="7", deadline="99999999999999")
        assert answer["left"] > 0
        assert {**answer, "left": 1} == {
            "id": "7", "same": "7", "name": "h", "deadline": 99999999999999, "left": 1
        }  # fmt: skip
        assert it.call(deadline="1", action_name="a")["left"] == 0
        assert it.call(deadline="soon")["deadline"] == 0


@pytest.mark.parametrize(
    ("parameters", "second", "given"),
    [
        ("event, context", "context", True),
        ("event, ctx", "ctx", True),
        ("event, ctx, cache=None", "ctx", True),
        ("event, context=None", "context", True),
        ("event, _context=None", "_context", True),
        ("event=None, context=None", "context", True),
        ("params, cache=None", "cache", False),
        ("params, cache=None, context=None", "cache", False),
        ("params, *, context=None", "context", False),
    ],
)
def test_which_second_parameter_is_the_context(
    source: Source, parameters: str, second: str, *, given: bool
) -> None:
    text = f"def main({parameters}):\n    return [type({second}).__name__]\n"
    # What wraps it says by its signature what it takes.
    wrapped = f"{text}import functools\nfunction = main\n@functools.wraps(function)\n"
    wrapped += "def main(*arguments):\n    return function(*arguments)\n"
    for handler in (text, wrapped):
        with Launcher(source("h.py", handler)) as it:
            it.line()
            assert it.call() == ["Context" if given else "NoneType"]


DECORATED = """\
import functools
def adding(f):
    @functools.wraps(f)
    def inner(event):
        return f(event, "added")
    return inner
def dropping(f):
    @functools.wraps(f)
    def inner(event, context):
        return f(type(context).__name__)
    return inner
def passing(f):
    @functools.wraps(f)
    def inner(*all):
        return f(*all)
    return inner
def logging(f):
    @functools.wraps(f)
    def inner(event, ctx=None):
        return f(event) if ctx is None else f(event, ctx)
    return inner
def one(event):
    return [event]
def two(event, context):
    return [context if isinstance(context, str) else type(context).__name__]
class App:
    add, drop, both = adding(two), dropping(one), passing(two)
    def __init__(self):
        self.held = dropping(one)
    @dropping
    def unbound(event):
        return [event]
    @passing
    def method(self, event, context):
        return two(event, context)
"""


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        ("adding(two)", "added"),
        ("dropping(one)", "Context"),
        ("passing(adding(two))", "added"),
        ("passing(passing(dropping(one)))", "Context"),
        ("dropping(passing(one))", "Context"),
        ("logging(two)", "Context"),
        ("logging(passing(two))", "Context"),
        ("passing(logging(two))", "Context"),
        ("logging(one)", "asked"),
        ("functools.cache(dropping(one))", "Context"),
        ("functools.partial(dropping(one))", "Context"),
        ("functools.partial(passing(two))", "Context"),
        ("functools.partial(two, context='bound')", "bound"),
        ("App.add", "added"),
        ("App.unbound", "Context"),
        ("App().held", "Context"),
        ("App().method", "Context"),
    ],
)
def test_a_decorator_may_take_something_else(source: Source, function: str, expected: str) -> None:
    made = f"{DECORATED}function = {function}\n"
    with Launcher(source("h.py", f"{made}main = function\n")) as it:
        it.line()
        assert it.call("asked") == [expected]


def test_a_function_that_wraps_itself(source: Source) -> None:
    text = "def main(*all):\n    return [len(all)]\nmain.__wrapped__ = main\n"
    with Launcher(source("h.py", text)) as it:
        it.line()
        assert it.call() == [1]


def test_what_a_plain_function_does_not_need_is_not_loaded(source: Source) -> None:
    text = (
        "import sys\ndef main(p):\n"
        "    return [name for name in ('asyncio', 'inspect', 'typing') if name in sys.modules]\n"
    )
    with Launcher(source("h.py", text)) as it:
        it.line()
        assert it.call() == []


def test_context_in_the_environment(source: Source) -> None:
    text = (
        "import os\ndef main(p):\n    return {k: v for k, v in os.environ.items() if k.startswith('__OW_')}\n"
    )
    with Launcher(source("h.py", text)) as it:
        it.line()
        assert it.call(activation_id="7", empty="", number=5, nested={"a": 1}) == {
            "__OW_ACTIVATION_ID": "7",
            "__OW_EMPTY": "",
            "__OW_NUMBER": "5",
            "__OW_NESTED": '{"a":1}',
        }


def test_exceptions_are_answers_and_tracebacks(source: Source) -> None:
    with Launcher(source("h.py", "def main(p):\n    raise KeyError('user')\n")) as it:
        it.line()
        assert it.call() == {"error": "'user'"}
        stdout, stderr = it.printed()
        assert stdout == ""
        assert stderr.splitlines()[0] == "Traceback (most recent call last):"
        assert stderr.splitlines()[-1] == "KeyError: 'user'"
        assert "h.py" in stderr
        assert "launcher" not in stderr
        assert it.call() == {"error": "'user'"}


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (
            "{1, 2}",
            "the function's result cannot be sent as JSON: Object of type set is not JSON serializable",
        ),
        ("{'a': float('nan')}", "the function's result cannot be sent as JSON: Out of range float values"),
    ],
)
def test_results_that_are_not_json(source: Source, result: str, expected: str) -> None:
    with Launcher(source("h.py", f"def main(p):\n    return {result}\n")) as it:
        it.line()
        assert it.call()["error"].startswith(expected)


@pytest.mark.parametrize(("result", "expected"), [("None", None), ("5", 5), ("'text'", "text")])
def test_results_that_are_no_objects_are_for_the_supervisor_to_refuse(
    source: Source, result: str, expected: object
) -> None:
    with Launcher(source("h.py", f"def main(p):\n    return {result}\n")) as it:
        it.line()
        assert it.call() == expected


def test_half_a_surrogate_pair(source: Source) -> None:
    with Launcher(source("h.py", "def main(p):\n    return {'a': '\\ud800'}\n")) as it:
        it.line()
        assert it.call() == {"a": "\ud800"}


def test_output_is_in_the_pipes_before_the_answer(source: Source) -> None:
    text = "import sys\ndef main(p):\n    print('out ❄')\n    print('err', file=sys.stderr)\n    return {}\n"
    with Launcher(source("h.py", text)) as it:
        it.line()
        assert it.printed() == ("", "")
        it.call()
        assert it.printed() == ("out ❄\n", "err\n")


@pytest.mark.parametrize(
    "text", ["import sys; sys.stdout.close()", "import sys; sys.stdout = sys.stderr = None"]
)
def test_a_function_may_do_away_with_its_streams(source: Source, text: str) -> None:
    with Launcher(source("h.py", f"def main(p):\n    {text}\n    return [1 / p]\n")) as it:
        it.line()
        assert it.call(1) == [1.0]
        assert it.call(0) == {"error": "division by zero"}


def test_a_megabyte_in_pieces(source: Source) -> None:
    with Launcher(source("h.py", "def main(p):\n    return {'length': len(p)}\n")) as it:
        it.line()
        os.set_blocking(it.pipes.request, True)
        assert it.call("x" * 3_000_000) == {"length": 3_000_000}


def test_two_requests_at_once_are_answered_one_after_the_other(source: Source) -> None:
    with Launcher(source("h.py", ECHO)) as it:
        it.line()
        os.write(it.pipes.request, b'{"value":[1]}\n{"value":[2]}\n{"value":')
        assert it.line() == [1]
        assert it.line() == [2]
        os.write(it.pipes.request, b"[3]}\n")
        assert it.line() == [3]


def test_children_cannot_read_requests_nor_write_answers(source: Source) -> None:
    text = (
        "import subprocess\n"
        "def main(p):\n"
        "    command = ['sh', '-c', 'cat; echo forged >&3']\n"
        "    ran = subprocess.run(command, capture_output=True, close_fds=False)\n"
        "    return {'out': ran.stdout.decode(), 'status': ran.returncode}\n"
    )
    with Launcher(source("h.py", text)) as it:
        it.line()
        answer = it.call()
        assert answer["out"] == ""
        assert answer["status"] != 0


def test_before_the_snapshot(source: Source) -> None:
    text = (
        "import gc, sys\n"
        "def main(p):\n"
        "    return [gc.get_freeze_count() > 0, gc.isenabled(), sys.dont_write_bytecode]\n"
    )
    with Launcher(source("h.py", text), env={"PYTHONDONTWRITEBYTECODE": ""}) as it:
        it.line()
        assert it.call() == [False, True, False]
        assert it.ask({"groundhog": "prepare"}) == {"ok": True, "hooks": False, "before_restore": False}
        assert it.call() == [True, True, True]


MUTE = "class Mute(Exception):\n    def __str__(self):\n        return self.args[3]\n"


def test_an_error_without_a_text_is_an_answer_like_others(source: Source) -> None:
    with Launcher(source("h.py", f"{MUTE}def main(p):\n    raise Mute()\n")) as it:
        it.line()
        assert it.call() == it.call() == {"error": "an error without a text"}


def test_nor_does_one_of_a_hook_before_a_restore_keep_others_from_their_turn(source: Source) -> None:
    text = (
        f"{MUTE}"
        "from groundhog.hooks import register_before_restore\n"
        "turns = []\n"
        "register_before_restore(turns.append, 1)\n"
        "@register_before_restore\n"
        "def fails():\n"
        "    raise Mute()\n"
        "def main(p):\n"
        "    return turns\n"
    )
    with Launcher(source("h.py", text)) as it:
        it.line()
        assert it.ask({"groundhog": "prepare"})["before_restore"]
        error = "Mute: an error without a text"
        assert it.ask({"groundhog": "finish"}) == {"ok": False, "error": error}
        assert it.call() == [1]


def test_requests_leave_no_compiled_files(source: Source) -> None:
    source("late.py", "x = 1\n")
    path = source("h.py", "def main(p):\n    import late\n    return [late.x]\n")
    with Launcher(path, env={"PYTHONDONTWRITEBYTECODE": ""}) as it:
        it.line()
        it.ask({"groundhog": "prepare"})
        assert it.call() == [1]
        assert it.call() == [1]
    assert [path.name for path in Path(it.cwd).rglob("late*.pyc")] == []


def test_nothing_of_a_request_is_kept(source: Source) -> None:
    text = (
        "import gc\n"
        "def main(params):\n"
        "    found = [o for o in gc.get_objects() if isinstance(o, list) and o[:1] == ['mine']]\n"
        "    return [len(found)]\n"
    )
    with Launcher(source("h.py", text)) as it:
        it.line()
        assert it.call({"secret": ["mine"]}) == [1]
        assert it.call({"secret": ["other"]}) == [0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import nowhere\n" + ECHO, "ModuleNotFoundError: No module named 'nowhere' (h.py, line 1)"),
        ("\n1 / 0\n" + ECHO, "ZeroDivisionError: division by zero (h.py, line 2)"),
        ("raise KeyError('a')\n" + ECHO, "KeyError: 'a' (h.py, line 1)"),
        ("import sys\nsys.exit(3)\n" + ECHO, "the code called sys.exit(3) while loading (h.py, line 2)"),
        ("exec('a b')\n" + ECHO, "SyntaxError: invalid syntax (<string>, line 1)"),
        ("globals()['other'] = 1\n", "h.py defines no 'main' and no 'handler'"),
        ("main = 5\n", "'main' in h.py is not a function"),
        ("class Odd(Exception): ...\nraise Odd\n" + ECHO, "Odd (h.py, line 2)"),
        ("raise ValueError('two\\nlines')\n" + ECHO, "ValueError: two lines (h.py, line 1)"),
    ],
)
def test_code_that_does_not_load(source: Source, text: str, expected: str) -> None:
    with Launcher(source("h.py", text)) as it:
        exited = "sys.exit" in expected
        assert it.line() == {"ok": False, "error": expected, "exited": exited}
        assert it.wait() == "exited 1"
        stderr = it.printed()[1]
        assert ("Traceback" in stderr or "SyntaxError" in stderr) is not exited


def test_the_module_is_loaded_as_a_module(source: Source) -> None:
    source("helper.py", "value = 7\n")
    text = (
        "import sys, helper, pickle\n"
        "class Thing: pass\n"
        "def main(p):\n"
        "    pickle.loads(pickle.dumps(Thing()))\n"
        "    return [__name__, helper.value, sys.argv[0] == __file__, sys.modules[__name__].main is main]\n"
    )
    with Launcher(source("my_handler.py", text)) as it:
        it.line()
        assert it.call() == ["my_handler", 7, True, True]


@pytest.mark.parametrize("name", ["json.py", "with-dash.py", "__main__.py"])
def test_names_that_are_taken_or_are_none(source: Source, name: str) -> None:
    with Launcher(source(name, "import json\n" + ECHO)) as it:
        assert it.line() == ACK
        assert it.call([1]) == [1]


def test_a_dotted_entry(source: Source) -> None:
    text = "class Api:\n    @staticmethod\n    def call(p):\n        return [p]\n"
    with Launcher(source("h.py", text), "Api.call") as it:
        it.line()
        assert it.call(1) == [1]


def test_the_safe_path_of_the_interpreter(source: Source) -> None:
    source("helper.py", "value = 7\n")
    path = source("h.py", "import helper\ndef main(p):\n    return [helper.value]\n")
    with Launcher(path, env={"PYTHONSAFEPATH": "1"}) as it:
        assert it.line() == ACK
        assert it.call() == [7]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import sys; sys.exit(4)", "exited 4"),
        ("import os; os._exit(5)", "exited 5"),
        ("import os; os.kill(os.getpid(), 11)", "killed by signal 11"),
    ],
)
def test_a_function_that_ends_its_process(source: Source, text: str, expected: str) -> None:
    with Launcher(source("h.py", f"def main(p):\n    {text}\n")) as it:
        it.line()
        assert it.call() is None
        assert it.wait() == expected


def test_it_ends_when_its_input_does(source: Source) -> None:
    with Launcher(source("h.py", ECHO)) as it:
        it.line()
        it.hang_up()
        assert it.wait() == "exited 0"


def test_without_being_asked_it_does_not_acknowledge(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("groundhog.runners.python.base_env", lambda _: dict(os.environ))
    with Launcher(source("h.py", ECHO)) as it:
        assert it.call([1]) == [1]
