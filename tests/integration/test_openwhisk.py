"""``groundhog openwhisk`` under the cases of OpenWhisk's compatibility kit, and some more."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import sys
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from groundhog.platforms.openwhisk import CANNOT_START
from tests.framework.action_container import SENTINEL, Container
from tests.framework.commands import served

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.kernel
PROGRAM = f"""#!{sys.executable}
import json, os, sys
while line := sys.stdin.readline():
    print("to stdout", flush=True)
    print("to stderr", file=sys.stderr, flush=True)
    os.write(3, json.dumps(json.loads(line)["value"]).encode() + b"\\n")
"""


@pytest.fixture(params=["python", "nodejs"])
def container(request: pytest.FixtureRequest) -> Iterator[Container]:
    with served("openwhisk", "--runtime", request.param) as server:
        yield Container(server, request.param)
        if server.process.returncode is None:
            assert server.stop() == 0


@pytest.fixture
def start() -> Iterator[Callable[..., Container]]:
    """Start a container of one runtime."""
    with contextlib.ExitStack() as stack:
        yield lambda runtime, **env: Container(
            stack.enter_context(served("openwhisk", "--runtime", runtime, env=env)), runtime
        )


# The ten cases of the kit


def test_init_without_code(container: Container) -> None:
    response = container.init("")
    assert response.status_code == 403
    assert response.json() == {"error": "Missing main/no code to execute."}


def test_init_with_an_empty_object(container: Container) -> None:
    response = container.post("/init", {})
    assert response.status_code == 403
    assert response.json() == {"error": "Missing main/no code to execute."}


def test_a_result_that_is_no_object(container: Container) -> None:
    assert container.init("scalar").status_code == 200
    response = container.run({})
    assert response.status_code == 502
    said = "a dictionary" if container.runtime == "nodejs" else "a dictionary or array"
    assert response.json() == {"error": f"The action did not return {said}."}
    stdout, stderr = container.logs()
    assert stdout.count(SENTINEL) == stderr.count(SENTINEL) == 1


def test_a_second_init(container: Container) -> None:
    assert container.init("echo").json() == {"ok": True}
    response = container.init("echo")
    assert response.status_code == 403
    assert response.json() == {"error": "Cannot initialize the action more than once."}
    stdout, stderr = container.logs()
    assert "Cannot initialize the action more than once." in stdout + stderr
    assert SENTINEL not in stdout + stderr


def test_another_entry_point(container: Container) -> None:
    assert container.init("niam", main="niam").status_code == 200
    assert container.run({"a": 1}).json() == {"a": 1}


PAYLOADS: list[dict[str, Any]] = [
    {"string": "hello"},
    {"unicode": "❄ ☃ ❄"},
    {"numbers": [1, 2.5, -3]},
    {"nested": {"object": {"of": ["some", {"depth": None}]}}},
]


def test_echo_with_logs(container: Container) -> None:
    assert container.init("echo").status_code == 200
    for payload in PAYLOADS:
        response = container.run(payload)
        assert response.status_code == 200
        assert response.json() == payload
    stdout, stderr = container.logs()
    assert stdout == ["to stdout", SENTINEL] * len(PAYLOADS)
    assert stderr == ["to stderr", SENTINEL] * len(PAYLOADS)


def test_unicode_everywhere(container: Container) -> None:
    assert container.init("unicode").status_code == 200
    assert container.run({"delimiter": "❄"}).json() == {"winter": "❄ ☃ ❄"}
    assert container.logs()[0] == ["❄ ☃ ❄", SENTINEL]


def test_the_environment_of_init(container: Container) -> None:
    env = {"SOME_VAR": "xyz", "EMPTY_VAR": "", "NUMBER": 5, "OBJECT": {"a": [1]}}
    assert container.init("env", env=env).status_code == 200
    expected = {"SOME_VAR": "xyz", "EMPTY_VAR": "", "NUMBER": "5", "OBJECT": '{"a":[1]}'}
    answer = container.run({"names": list(env)}).json()
    assert answer == {name: [value, value] for name, value in expected.items()}


def test_the_whole_context(container: Container) -> None:
    context = {
        "namespace": "zzz",
        "action_name": "xxx",
        "action_version": "0.0.1",
        "activation_id": "iii",
        "transaction_id": "ttt",
        "deadline": "123",
        "api_key": "abc",
    }
    assert container.init("context").status_code == 200
    answer = container.run({}, **context).json()
    assert answer.items() >= {f"__OW_{name.upper()}": value for name, value in context.items()}.items()
    # And none of it is left for the next run.
    answer = container.run({}).json()
    assert not {"__OW_NAMESPACE", "__OW_API_KEY", "__OW_TRANSACTION_ID"} & answer.keys()


def test_a_large_argument(container: Container) -> None:
    assert container.init("echo").status_code == 200
    argument = {"a": "a" * (1_048_561 - len('{"a":""}'))}
    response = container.run(argument)
    assert response.status_code == 200
    assert response.json() == argument


# What the kit does not ask


IN_NODE = {
    "return;": {},
    "return Promise.resolve();": {},
    "return null_prototype;": {"a": 1},
    "return Promise.reject();": {"error": {}},
    "return Promise.reject('no luck');": {"error": "no luck"},
    "return Promise.reject({code: 7, why: ['a', undefined], call() {}});": {
        "error": {"code": 7, "why": ["a", None]}
    },
    "const circle = {}; circle.self = circle; return Promise.reject(circle);": {
        "error": {"self": "[Circular]"}
    },
    "return Promise.reject(function luck() {});": {"error": "[Function: luck]"},
    "return Promise.reject(Buffer.from('a'));": {"error": "[object Buffer]"},
    "return Promise.reject(new Date(0));": {"error": "1970-01-01T00:00:00.000Z"},
}
"""What an action does, and its answer. The status is 200: after any other the platform ends the container."""
REJECTS = "async () => { throw Object.assign(new TypeError('no luck'), {code: 'E'}); }"


def test_what_actions_for_node_return_and_reject_with(start: Callable[..., Container]) -> None:
    container = start("nodejs")
    bodies = "".join(f"() => {{ {body} }},\n" for body in IN_NODE)
    code = "const null_prototype = Object.assign(Object.create(null), {a: 1});\n"
    code += f"const bodies = [{bodies}{REJECTS}];\nfunction main(args) {{ return bodies[args.n](); }}"
    assert container.init(code).status_code == 200
    for number, expected in enumerate(IN_NODE.values()):
        response = container.run({"n": number})
        assert (response.status_code, response.json()) == (200, expected)
    response = container.run({"n": len(IN_NODE)})
    assert response.status_code == 200
    error = response.json()["error"]
    assert (error["name"], error["message"], error["code"]) == ("TypeError", "no luck", "E")
    assert error["stack"].startswith("TypeError: no luck\n    at ")
    assert container.logs() == ([SENTINEL] * (len(IN_NODE) + 1), [SENTINEL] * (len(IN_NODE) + 1))


def test_each_run_is_a_first_one(container: Container) -> None:
    assert container.init("count").status_code == 200
    assert [container.run({"n": number}).json() for number in range(50)] == [{"calls": 1}] * 50


def test_arrays_in_and_out(container: Container) -> None:
    assert container.init("echo").status_code == 200
    assert container.run([1, "two", {"three": 3}]).json() == [1, "two", {"three": 3}]


def test_run_before_init(container: Container) -> None:
    response = container.run({})
    assert response.status_code == (403 if container.runtime == "nodejs" else 500)
    assert response.json().keys() == {"error"}


@pytest.mark.parametrize("code", ["broken", "exit at init"])
def test_code_that_does_not_load(container: Container, code: str) -> None:
    response = container.init(code)
    assert response.status_code == 502
    assert response.json().keys() == {"error"}
    assert "\n" not in response.json()["error"]
    stdout, stderr = container.logs()
    assert stdout == [SENTINEL]
    assert stderr[-1] == SENTINEL
    reason = response.json()["error"].removeprefix(CANNOT_START)
    before = "Error during initialization: " if container.runtime == "nodejs" else ""
    assert stderr.count(before + reason) == 1
    assert stderr.count("Command exited abruptly during initialization.") == (code == "exit at init")


def test_a_function_that_returns_an_error(container: Container) -> None:
    assert container.init("return error").status_code == 200
    response = container.run({})
    assert response.status_code == 200
    assert response.content == b'{"error":"no luck"}'


def test_a_function_that_raises(container: Container) -> None:
    assert container.init("raise").status_code == 200
    response = container.run({})
    is_node = container.runtime == "nodejs"
    assert response.status_code == (502 if is_node else 200)
    assert response.json() == {"error": "An error has occurred: Error: no luck" if is_node else "no luck"}
    stdout, stderr = container.logs()
    assert any("no luck" in line for line in stderr)
    assert stderr[-1] == stdout[-1] == SENTINEL


def test_a_process_that_dies_in_a_run(container: Container) -> None:
    assert container.init("exit").status_code == 200
    response = container.run({"exit": True})
    assert response.status_code == 400
    assert response.json() == {"error": "command exited"}
    assert container.run({"a": 1}).json() == {"a": 1}, "it was replaced"
    assert container.post("/init", {"value": {"code": "x"}}).status_code == 403
    stdout, stderr = container.logs()
    assert stdout == [SENTINEL, SENTINEL, "Cannot initialize the action more than once."]
    assert stderr == [SENTINEL, SENTINEL], "nothing of ours"


def test_what_is_printed_while_loading_comes_once(container: Container) -> None:
    assert container.init("loads").status_code == 200
    for number in range(2):
        assert container.run({"n": number}).json() == {"n": number}
    assert container.logs() == (["loading", SENTINEL, SENTINEL], ["careful", SENTINEL, SENTINEL])


def test_events_go_to_a_file(tmp_path: Path) -> None:
    log = tmp_path / "events.jsonl"
    log.write_text('{"event":"of before"}\n')
    with served("openwhisk", "--log-file", str(log)) as server:
        container = Container(server, "python")
        assert container.init("exit").status_code == 200
        assert container.run({"exit": True}).status_code == 400
        assert container.run({}).status_code == 200
        container.logs()
    events = [json.loads(line) for line in log.read_text().splitlines()]
    assert events[0] == {"event": "of before"}
    assert [event["reason"] for event in events if event["event"] == "function process retired"] == ["exited"]
    assert {event["event"] for event in events} >= {"worker ready"}


def test_a_log_that_is_made_is_for_its_owner_alone(tmp_path: Path) -> None:
    log = tmp_path / "events.jsonl"
    with served("openwhisk", "--log-file", str(log)) as server:
        assert log.stat().st_mode & 0o777 == 0o600
        assert server.stop() == 0


ASKS_ITS_CONTAINER = """
import json, urllib.error, urllib.request

def main(args):
    if "url" not in args:
        return {}
    body = json.dumps({"value": {}, "api_key": "of somebody else"}).encode()
    try:
        with urllib.request.urlopen(args["url"], body) as answer:
            return {"status": answer.status}
    except urllib.error.HTTPError as error:
        return {"status": error.code}
"""


def logs_of_a_function_that_asks(*options: str, status: int) -> tuple[list[str], list[str]]:
    with served("openwhisk", "--workers", "2", *options) as server:
        container = Container(server, "python")
        response = server.client.post("/init", json={"value": {"code": ASKS_ITS_CONTAINER}})
        assert response.status_code == 200
        assert container.run({"url": f"{server.client.base_url}/run"}).json() == {"status": status}
        return container.logs()


@pytest.mark.parametrize("isolation", ["domain", "request", "off"])
def test_no_function_asks_its_own_container(isolation: str) -> None:
    """In the name of somebody else, or for one more end of logs, so that each run has those of another."""
    logs = logs_of_a_function_that_asks("--isolation", isolation, status=403)
    assert logs == ([SENTINEL], [SENTINEL]), "nothing of what was refused"


def test_a_function_that_may_ask_its_own_container() -> None:
    """That nothing else keeps functions from it."""
    stdout, _ = logs_of_a_function_that_asks("--trust-local-callers", status=200)
    assert stdout == [SENTINEL, SENTINEL]


def archive(files: dict[str, bytes]) -> str:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        for name, data in files.items():
            packed.writestr(name, data)
    return base64.b64encode(out.getvalue()).decode()


def test_an_archive_with_a_package(container: Container) -> None:
    files = {
        "python": {
            "__main__.py": b"from helper.words import word\ndef main(args):\n    return {'word': word}\n",
            "helper/__init__.py": b"",
            "helper/words.py": b"word = 'hello'\n",
        },
        "nodejs": {
            "package.json": b'{"main": "app.js"}',
            "app.js": b"const word = require('helper'); exports.main = (args) => ({word});",
            "node_modules/helper/index.js": b"module.exports = 'hello';",
        },
    }[container.runtime]
    assert container.init(archive(files), binary=True).status_code == 200
    assert [container.run({}).json() for _ in range(3)] == [{"word": "hello"}] * 3


@pytest.mark.parametrize(
    ("main", "says"),
    [
        ("niam", "index"),
        ("other.niam", "other"),
        ("lib/deep.nested.niam", "deep"),
        ("folder.niam", "folder"),
        ("/other.niam", "other"),
        ("nested.niam", "in index"),
    ],
)
def test_the_file_of_an_action_for_node(start: Callable[..., Container], main: str, says: str) -> None:
    """Before the first period of main, whatever package.json names; without one, it is an object in that."""

    def module(says: str, path: str) -> bytes:
        return f"exports.{path} = () => ({{ says: '{says}' }});\n".encode()

    nested = module("deep", "nested = {}; exports.nested.niam")
    files = {
        "package.json": b'{"main": "main.js"}',
        "main.js": module("index", "niam") + module("in index", "nested = {}; exports.nested.niam"),
        "other.js": module("other", "niam"),
        "lib/deep.js": nested,
        "folder/index.js": module("folder", "niam"),
    }
    container = start("nodejs")
    assert container.init(archive(files), binary=True, main=main).status_code == 200
    assert container.run({}).json() == {"says": says}


def test_a_large_action(container: Container) -> None:
    comment = {"python": "#", "nodejs": "//"}[container.runtime]
    code = container.codes["echo"] + "\n" + f"{comment} {'x' * 70}\n" * 100_000
    assert container.init(code).status_code == 200
    assert container.run({"a": 1}).json() == {"a": 1}


@pytest.mark.parametrize("binary", [True, False])
def test_an_executable_that_speaks_actionloop(start: Callable[..., Container], binary: bool) -> None:
    container = start("command")
    code = archive({"exec": PROGRAM.encode()}) if binary else PROGRAM
    assert container.init(code, binary=binary).status_code == 200
    for payload in ({"a": 1}, {"b": [True]}):
        assert container.run(payload).json() == payload
    stdout, stderr = container.logs()
    assert stdout == ["to stdout", SENTINEL] * 2
    assert stderr == ["to stderr", SENTINEL] * 2


def test_no_code_is_left_when_it_ends(start: Callable[..., Container], tmp_path: Path) -> None:
    container = start("python", TMPDIR=str(tmp_path))
    assert container.init("echo").status_code == 200
    assert [path for path in tmp_path.iterdir() if path.name.startswith("groundhog-action-")]
    container.logs()
    assert list(tmp_path.iterdir()) == []
