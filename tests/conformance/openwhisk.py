"""What the suites of OpenWhisk's runtimes expect, as of their main branches in 2026.

https://github.com/apache/openwhisk-runtime-nodejs, -python and -go; the basic cases, which they share, are of
https://github.com/apache/openwhisk (BasicActionRunnerTests).
"""

from __future__ import annotations

import base64
import contextlib
import io
import re
import sys
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.framework import programs
from tests.framework.action_container import SENTINEL, Container
from tests.framework.commands import served

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


@dataclass(frozen=True)
class Case:
    """One of a suite. It raises AssertionError where we differ from the original."""

    suite: str
    title: str
    check: Callable[[Container], None]
    out: str | None = ""
    """What is in the logs besides sentinels, as a regular expression; None: anything."""
    err: str | None = ""
    ends: int | None = None
    """How often a sentinel ends them; None: not said."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Of the container."""

    @property
    def runtime(self) -> str:
        """The option of `groundhog openwhisk`."""
        return {"Python": "python", "Node": "nodejs"}.get(self.suite, "command")

    def run(self, container: Container) -> None:
        """Try it; the container has ended then."""
        self.check(container)
        out, err = container.logs()
        for lines, expected in (out, self.out), (err, self.err):
            text = "\n".join(line for line in lines if line != SENTINEL)
            if expected is not None:
                assert re.search(expected, text, re.IGNORECASE) if expected else not text, text
            if self.ends is not None:
                assert lines.count(SENTINEL) == self.ends, lines


CASES: list[Case] = []
EXCEPTIONS = {
    (
        "Node",
        "have openwhisk package available",
    ): "the package is in the original's image, none of the runtime: have it in yours, or in the archive",
    ("Node", "use user provided packages in Docker Actions"): "likewise",
    (
        "Node",
        "allow running activations concurrently",
    ): "one process serves one activation at a time, else none"
    " could be reverted; the pool has more of them (`--workers`)",
    (
        "Node",
        "NOT allow running activations concurrently",
    ): "the second one waits for its turn, and is answered",
    **{
        (
            "Go",
            f"accept a {what} action",
        ): "source is compiled by the original's image: send what it compiles to"
        for what in ("src main", "src not-main", "zipped src main", "zipped src not-main")
    },
    ("Go", "deploy a zip main src with subdir"): "likewise",
}
"""Cases that we do not try, and why."""


def _case(*suites: str, title: str, **expected: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
    def register(check: Callable[..., None]) -> Callable[..., None]:
        CASES.extend(Case(suite, title, check, **expected) for suite in suites)
        return check

    return register


def zipped(**files: str | bytes) -> dict[str, Any]:
    """The members of an ``/init`` that carries these files."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = 0o755 << 16
            archive.writestr(info, content)
    return {"code": base64.b64encode(packed.getvalue()).decode(), "binary": True}


def fine(container: Container, code: str = "", **members: Any) -> None:
    """Init, which must go well."""
    said = container.init(code, **members)
    assert said.status_code == 200, said.text


def answers(container: Container, value: Any, answer: Any) -> None:
    """A run with its answer."""
    said = container.run(value)
    assert (said.status_code, said.json()) == (200, answer), said.text


# The basic cases

ALL = ("Python", "Node", "Shell", "Go")
SHELL_ECHO = (
    f"#!{sys.executable}\nimport json, os, sys\nfor line in sys.stdin:\n"
    "    os.write(3, json.dumps(json.loads(line)['value']).encode() + b'\\n')\n"
)
SHELL = {
    "echo": f"#!{sys.executable}\nimport json, os, sys\nfor line in sys.stdin:\n"
    "    print('to stdout', flush=True)\n    print('to stderr', file=sys.stderr, flush=True)\n"
    "    os.write(3, json.dumps(json.loads(line)['value']).encode() + b'\\n')\n",
    "scalar": "#!/bin/sh\nwhile read -r line; do echo '\"not json\"' >&3; done\n",
    "niam": SHELL_ECHO,
    "count": SHELL_ECHO,
    "unicode": f"#!{sys.executable}\nimport json, os, sys\nfor line in sys.stdin:\n"
    "    text = json.loads(line)['value']['delimiter']\n    text = f'{text} ☃ {text}'\n"
    "    print(text, flush=True)\n    os.write(3, json.dumps({'winter': text}).encode() + b'\\n')\n",
    "env": f"#!{sys.executable}\nimport json, os, sys\nfor line in sys.stdin:\n"
    "    names = json.loads(line)['value']['names']\n"
    "    found = {name: [os.environ.get(name)] * 2 for name in names}\n"
    "    os.write(3, json.dumps(found).encode() + b'\\n')\n",
    "context": f"#!{sys.executable}\nimport json, os, sys\nfor line in sys.stdin:\n"
    "    members = {'__OW_' + name.upper(): item for name, item in json.loads(line).items()}\n"
    "    os.write(3, json.dumps(members).encode() + b'\\n')\n",
}


def start(container: Container, code: str, **members: Any) -> None:
    """Init with one of the codes that each runtime has."""
    fine(container, SHELL[code] if container.runtime == "command" else code, **members)


@_case(*ALL, title="handle initialization with no code", err=None, out=None)
def _(it: Container) -> None:
    said = it.init("")
    assert (said.status_code, said.json()) == (403, {"error": "Missing main/no code to execute."})


@_case(*ALL, title="handle initialization with no content", err=None, out=None)
def _(it: Container) -> None:
    said = it.post("/init", {})
    assert (said.status_code, said.json()) == (403, {"error": "Missing main/no code to execute."})


@_case(
    *ALL, title="run and report an error for a function that does not return a json object", err=None, ends=1
)
def _(it: Container) -> None:
    start(it, "scalar")
    said = it.run({})
    assert said.status_code == 502
    assert re.fullmatch(r"The action did not return a dictionary( or array)?\.", said.json()["error"])


@_case(*ALL, title="fail to initialize a second time", out="more than once", err=None)
def _(it: Container) -> None:
    start(it, "count")
    said = it.init("count")
    assert (said.status_code, said.json()["error"]) == (403, "Cannot initialize the action more than once.")


@_case(*ALL, title="invoke non-standard entry point", ends=1)
def _(it: Container) -> None:
    start(it, "niam", main="niam")
    answers(it, {"a": 1}, {"a": 1})


ECHOED: list[Any] = [
    {"string": "hello"},
    {"string": "❄ ☃ ❄"},
    {"numbers": [42, 1]},
    {"nested": {"object": {"list": [{"a": None}]}}},
]


@_case(
    *ALL, title="echo arguments and print message to stdout/stderr", out="to stdout", err="to stderr", ends=4
)
def _(it: Container) -> None:
    start(it, "echo")
    for value in ECHOED:
        answers(it, value, value)


@_case(*ALL, title="handle unicode in source, input params, logs, and result", out="❄ ☃ ❄", ends=1)
def _(it: Container) -> None:
    start(it, "unicode")
    answers(it, {"delimiter": "❄"}, {"winter": "❄ ☃ ❄"})


@_case(*ALL, title="export environment variables before initialization", ends=1)
def _(it: Container) -> None:
    start(it, "env", env={"SOME_VAR": "xyz", "ANOTHER_VAR": ""})
    answers(it, {"names": ["SOME_VAR", "ANOTHER_VAR"]}, {"SOME_VAR": ["xyz"] * 2, "ANOTHER_VAR": [""] * 2})


CONTEXT = {
    "api_key": "abc",
    "namespace": "zzz",
    "action_name": "xxx",
    "action_version": "0.0.1",
    "activation_id": "iii",
}


@_case(
    "Python",
    "Node",
    "Go",
    title="confirm expected environment variables",
    ends=1,
    env={"__OW_API_HOST": "xyz"},
)
def _(it: Container) -> None:
    start(it, "context")
    said = it.run({}, **CONTEXT)
    assert said.status_code == 200
    for name, value in CONTEXT.items():
        assert said.json()[f"__OW_{name.upper()}"] == value
    if it.runtime != "command":
        assert said.json()["__OW_API_HOST"] == "xyz"


@_case(*ALL, title="echo a large input", ends=1)
def _(it: Container) -> None:
    start(it, "count" if it.runtime == "command" else "niam", main="niam")
    value = {"large": "a" * 1_048_561}
    answers(it, value, value)


# Those of the runtime for Node


@_case("Node", title="fail to initialize with bad code", out=None, err="syntax")
def _(it: Container) -> None:
    assert it.init(' 10 PRINT "Hello world!"\n 20 GOTO 10\n').status_code != 200


@_case("Node", title="fail to initialize with no code", out=None, err=None)
def _(it: Container) -> None:
    said = it.init("")
    assert said.status_code != 200
    assert "no code to execute" in said.json()["error"]


@_case("Node", title="return some error on action error", err=None)
def _(it: Container) -> None:
    fine(it, "function main(args) { throw 'nooooo'; }")
    said = it.run({})
    assert said.status_code != 200
    assert "nooooo" in said.json()["error"]


@_case("Node", title="support application errors")
def _(it: Container) -> None:
    fine(it, "function main(args) { return {error: 'sorry'}; }")
    answers(it, {}, {"error": "sorry"})


@_case("Node", title="support the documentation examples (1)", ends=3)
def _(it: Container) -> None:
    fine(
        it,
        "function main(params) {\n  if (params.payload == 0) {\n    return;\n"
        "  } else if (params.payload == 1) {\n"
        "    return {payload: 'Hello, World!'};\n  } else if (params.payload == 2) {\n"
        "    return {error: 'payload must be 0 or 1'};\n  }\n}\n",
    )
    answers(it, {"payload": 0}, {})
    answers(it, {"payload": 1}, {"payload": "Hello, World!"})
    answers(it, {"payload": 2}, {"error": "payload must be 0 or 1"})


@_case("Node", title="support the documentation examples (2)", ends=2)
def _(it: Container) -> None:
    fine(
        it,
        "function main(params) {\n  if (!params.payload) return {done: true};\n"
        "  return new Promise((resolve) => setTimeout(() => resolve({done: true}), 100));\n}\n",
    )
    answers(it, {}, {"done": True})
    answers(it, {"payload": True}, {"done": True})


@_case("Node", title="support variables with no var declaration", out="^hello, test!$")
def _(it: Container) -> None:
    fine(
        it,
        "function main(params) {\n  greeting = 'hello, ' + params.payload + '!'\n  console.log(greeting);\n"
        "  return {payload: greeting}\n}\n",
    )
    answers(it, {"payload": "test"}, {"payload": "hello, test!"})


@_case("Node", title="support webpacked function")
def _(it: Container) -> None:
    fine(it, "function foo() {\n  return {bar: true}\n}\nglobal.main = foo\n")
    answers(it, {}, {"bar": True})


@_case("Node", title="support exports.main for single files")
def _(it: Container) -> None:
    fine(it, "exports.main = function (params) {\n  return params\n}\n")
    answers(it, {"payload": "Hello exports!"}, {"payload": "Hello exports!"})


@_case("Node", title="support module.exports.main for single files")
def _(it: Container) -> None:
    fine(it, "module.exports.main = function (params) {\n  return params\n}\n")
    answers(it, {"payload": "Hello exports!"}, {"payload": "Hello exports!"})


@_case("Node", title="error when requiring a non-existent package", out=None, err="error")
def _(it: Container) -> None:
    fine(it, "function main(args) { require('.mildlyinvalidnameofanonexistentpackage'); }")
    assert it.run({}).status_code != 200


@_case("Node", title="support resolved promises")
def _(it: Container) -> None:
    fine(
        it,
        "function main() { return new Promise((resolve) => setTimeout(() => resolve({done: true}), 100)); }",
    )
    answers(it, {}, {"done": True})


@_case("Node", title="support rejected promises")
def _(it: Container) -> None:
    fine(
        it,
        "function main() {\n"
        "  return new Promise((_, reject) => setTimeout(() => reject({done: true}), 100));\n}\n",
    )
    answers(it, {}, {"error": {"done": True}})


@_case("Node", title="support rejected promises with no message", err=None)
def _(it: Container) -> None:
    fine(it, "function main() { return new Promise((_, reject) => reject()); }")
    assert "error" in it.run({}).json()


@_case("Node", title="support large-ish actions")
def _(it: Container) -> None:
    line = '    x = "I took the one less traveled by, and that has made all the difference.";\n'
    fine(
        it,
        "function main() {\n    var x = 'hello';\n"
        + line * 7000
        + "    x = 'world';\n    return {message: x};\n}\n",
    )
    answers(it, {}, {"message": "world"})


PACKAGE = '{"name": "wskaction", "version": "1.0.0", "main": "index.js", "license": "Apache-2.0"}'
GREETS = (
    "exports.{name} = function (args) {{\n"
    "  const name = typeof args.name === 'string' ? args.name : 'stranger';\n"
    "  return {{greeting: `Hello ${{name}}, from {where}.`}};\n}}\n"
)


@_case("Node", title="support zip-encoded npm package actions")
def _(it: Container) -> None:
    files = {"package.json": PACKAGE, "index.js": GREETS.format(name="main", where="a package")}
    fine(it, **zipped(**files))
    answers(it, {}, {"greeting": "Hello stranger, from a package."})


@_case("Node", title="support zip-encoded npm package actions without a package.json file")
def _(it: Container) -> None:
    fine(it, **zipped(**{"index.js": GREETS.format(name="main", where="a file")}))
    answers(it, {}, {"greeting": "Hello stranger, from a file."})


@_case("Node", title="support zip-encoded npm package with main from file other than index.js")
def _(it: Container) -> None:
    fine(it, main="other.niam", **zipped(**{"other.js": GREETS.format(name="niam", where="other.niam")}))
    answers(it, {}, {"greeting": "Hello stranger, from other.niam."})


@_case("Node", title="support nested main")
def _(it: Container) -> None:
    code = "exports.niam = {xyz: function (args) { return {greeting: 'Hello from nested main.'}; }};\n"
    fine(it, main="other.niam.xyz", **zipped(**{"other.js": code}))
    answers(it, {}, {"greeting": "Hello from nested main."})


@_case("Node", title="allow zip-encoded npm package containing package.json and overriding entry point")
def _(it: Container) -> None:
    files = {
        "package.json": PACKAGE,
        "index.js": "exports.main = () => ({result: 'it works'});\n",
        "other.js": "exports.niam = () => ({result: 'it should also work'});\n",
    }
    fine(it, main="other.niam", **zipped(**files))
    answers(it, {}, {"result": "it should also work"})


@_case(
    "Node",
    title="fail gracefully on invalid zip files",
    out=None,
    err="(?s)(?=.*error)(?=.*(syntax|uncompressing))",
)
def _(it: Container) -> None:
    assert it.init("Q2VjaSBuJ2VzdCBwYXMgdW4gemlwLgo=", binary=True).status_code != 200


@_case(
    "Node",
    title="fail gracefully on valid zip files that are not actions",
    out=None,
    err="(?s)(?=.*(error|exited))(?=.*zipped actions must contain either package.json or index.js at the)",
)
def _(it: Container) -> None:
    assert it.init(**zipped(hello="Hello world!")).status_code != 200


@_case("Node", title="support zipped actions using non-default entry point")
def _(it: Container) -> None:
    files = {"package.json": PACKAGE, "index.js": "exports.niam = () => ({result: 'it works'});\n"}
    fine(it, main="niam", **zipped(**files))
    answers(it, {}, {"result": "it works"})


@_case("Node", title="set correct cwd for zipped actions")
def _(it: Container) -> None:
    code = (
        "const fs = require('fs');\nexports.main = () => ({\n"
        "  result1: fs.readFileSync('./test.txt').toString(), result2: __dirname === process.cwd()});\n"
    )
    fine(it, **zipped(**{"package.json": PACKAGE, "test.txt": "test text", "index.js": code}))
    answers(it, {}, {"result1": "test text", "result2": True})


@_case("Node", title="support default function parameters")
def _(it: Container) -> None:
    fine(it, "function main() {\n  return {isValid: ((a, b = 2) => a === 3 && b === 2)(3)};\n}\n")
    answers(it, {}, {"isValid": True})


@_case("Node", title="use user provided npm packages in a zip file", err=None)
def _(it: Container) -> None:
    files = {
        "package.json": '{"name": "zipped", "main": "main.js", "dependencies": {"abcxyz": "^1.0.0"}}',
        "main.js": "const main = () => ({message: require('abcxyz')()});\nmodule.exports = {main};\n",
        "node_modules/abcxyz/index.js": "module.exports = () => 'hello local library';\n",
    }
    fine(it, **zipped(**files))
    answers(it, {}, {"message": "hello local library"})


@_case("Node", title="support async and await")
def _(it: Container) -> None:
    fine(
        it,
        "const stat = require('util').promisify(require('fs').stat);\n"
        "async function main() { return await stat('.'); }\n",
    )
    said = it.run({})
    assert said.status_code == 200
    assert "uid" in said.json()


@_case("Node", title="support errors thrown from async functions", err=None)
def _(it: Container) -> None:
    fine(it, "async function main() {\n  return a.b.c\n}\n")
    said = it.run({})
    assert said.status_code == 200
    assert "referenceerror: a is not defined" in str(said.json()["error"]).lower()


@_case("Node", title="support user thrown errors from async functions", err=None)
def _(it: Container) -> None:
    fine(it, "async function main() {\n  throw new Error('app error')\n}\n")
    said = it.run({})
    assert said.status_code == 200
    assert "error: app error" in str(said.json()["error"]).lower()


# Those of the runtime for Python


def virtual_environment(**more: str) -> dict[str, Any]:
    """An archive with a module in a virtual environment, as virtualenv makes it."""
    site = f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
    files = {
        "__main__.py": "import carried\ndef main(args):\n    return {'agent': carried.name}\nnaim = main\n",
        f"virtualenv/{site}/carried.py": "name = 'carried'\n",
        "virtualenv/bin/activate_this.py": "import os, site, sys\n"
        f"base = os.path.dirname(os.path.dirname(__file__))\nsite.addsitedir(os.path.join(base, '{site}'))\n",
        **more,
    }
    return zipped(**{name: content for name, content in files.items() if content})


@_case("Python", title="run zipped Python action containing a virtual environment", err=None)
def _(it: Container) -> None:
    fine(it, **virtual_environment())
    answers(it, {}, {"agent": "carried"})


@_case(
    "Python",
    title="run zipped Python action containing a virtual environment with non-standard entry point",
    err=None,
)
def _(it: Container) -> None:
    fine(it, main="naim", **virtual_environment())
    answers(it, {}, {"agent": "carried"})


@_case(
    "Python",
    title="report error if zipped Python action has wrong main module name",
    err="Zip file does not include",
)
def _(it: Container) -> None:
    said = it.init(
        **virtual_environment(**{"__main__.py": "", "other.py": "def main(args):\n    return {}\n"})
    )
    assert said.status_code == 502


@_case(
    "Python",
    title="report error if zipped Python action has invalid virtualenv directory",
    err="Invalid virtualenv|Zip file does not include",
)
def _(it: Container) -> None:
    said = it.init(**virtual_environment(**{"virtualenv/bin/activate_this.py": ""}))
    assert said.status_code == 502


@_case("Python", title="detect termination at run")
def _(it: Container) -> None:
    fine(it, "import sys\ndef main(args):\n    sys.exit(1)\n")
    said = it.run({})
    assert (said.status_code, said.json()) == (400, {"error": "command exited"})


@_case("Python", title="detect termination at init", err="Command exited abruptly during initialization.")
def _(it: Container) -> None:
    said = it.init("import sys\nsys.exit(1)\ndef main(args):\n    pass\n")
    assert said.status_code == 502
    assert "Cannot start action" in said.json()["error"]


@_case("Python", title="read an environment variable", out="xyz")
def _(it: Container) -> None:
    code = "import os\nX = os.getenv('X')\nprint(X)\ndef main(args):\n    return {'body': 'ok'}\n"
    fine(it, code, env={"X": "xyz"})
    answers(it, {}, {"body": "ok"})


@_case("Python", title="support zip-encoded action using non-default entry points")
def _(it: Container) -> None:
    files = {
        "__main__.py": "from echo import echo\ndef niam(args):\n    return echo(args)\n",
        "echo.py": "def echo(args):\n    return {'echo': args}\n",
    }
    fine(it, main="niam", **zipped(**files))
    answers(it, {"msg": "it works"}, {"echo": {"msg": "it works"}})


@_case("Python", title="support zip-encoded action which can read from relative paths")
def _(it: Container) -> None:
    code = "def main(args):\n    with open('workfile') as file:\n        return {'file': file.read()}\n"
    fine(it, **zipped(**{"__main__.py": code, "workfile": "this is a test string"}))
    answers(it, {}, {"file": "this is a test string"})


@_case(
    "Python",
    title="report error if zip-encoded action does not include required file",
    err="Zip file does not include",
)
def _(it: Container) -> None:
    said = it.init(main="echo", **zipped(**{"echo.py": "def echo(args):\n    return {'echo': args}\n"}))
    assert said.status_code == 502


@_case("Python", title="return on action error when action fails", err="Traceback")
def _(it: Container) -> None:
    fine(it, "def main(args):\n    return {'divBy0': 5 / 0}\n")
    assert "error" in it.run({}).json()


@_case("Python", title="log compilation errors", err=None)
def _(it: Container) -> None:
    assert it.init(' 10 PRINT "Hello!"\n 20 GOTO 10\n').status_code == 502


@_case("Python", title="support application errors")
def _(it: Container) -> None:
    fine(it, "def main(args):\n    return {'error': 'sorry'}\n")
    answers(it, {}, {"error": "sorry"})


@_case("Python", title="error when importing a not-supported package", err="Traceback|cannot start")
def _(it: Container) -> None:
    said = it.init("import iamnotsupported\ndef main(args):\n    return {'error': 'not reaching here'}\n")
    assert said.status_code == 502


@_case("Python", title="have a valid sys.executable")
def _(it: Container) -> None:
    fine(it, "import sys\ndef main(args):\n    return {'sys': sys.executable}\n")
    assert "python" in it.run({}).json()["sys"]


@_case("Python", title="support return array result")
def _(it: Container) -> None:
    fine(it, "def main(args):\n    return ['a', 'b']\n")
    answers(it, {}, ["a", "b"])


@_case("Python", title="support array as input param")
def _(it: Container) -> None:
    fine(it, "def main(args):\n    return args\n")
    answers(it, ["a", "b"], ["a", "b"])


# Those of ActionLoop


@_case("Shell", "Go", title="run sample with init that does nothing", out=None, err=None)
def _(it: Container) -> None:
    assert it.post("/init", {}).status_code == 403
    assert it.post("/run", {}).status_code == 500


SHELL_HELLO = (
    "#!/bin/sh\nwhile read -r line; do\n"
    '  name=$(echo "$line" | sed \'s/.*"name": *"\\([^"]*\\)".*/\\1/\')\n'
    '  echo "name=$name"\n  echo \'{"KEY":"Hello, \'$name\'"}\' >&3\ndone\n'
)


@_case("Shell", title="deploy a shell script", out="name=Demo")
def _(it: Container) -> None:
    script = SHELL_HELLO.replace("KEY", "main").encode()
    fine(it, code=base64.b64encode(script).decode(), binary=True)
    answers(it, {"name": "Demo"}, {"main": "Hello, Demo"})


@_case("Shell", title="deploy a zip based script", out="name=Demo")
def _(it: Container) -> None:
    fine(it, **zipped(exec=SHELL_HELLO.replace("KEY", "exec")))
    answers(it, {"name": "Demo"}, {"exec": "Hello, Demo"})


def compiled(name: str) -> bytes:
    """A program in Go, as the original's image makes of source."""
    (program,) = programs.go(name)
    return Path(program).read_bytes()


@_case("Go", title="accept a binary main", out=None, err=None)
def _(it: Container) -> None:
    fine(it, code=base64.b64encode(compiled("rows")).decode(), binary=True)
    assert it.run({"name": "Demo"}).status_code == 200


@_case("Go", title="support return array result", out=None, err=None)
def _(it: Container) -> None:
    fine(it, SHELL["scalar"].replace("'\"not json\"'", '\'["a","b"]\''))
    answers(it, {}, ["a", "b"])


@_case("Go", title="support array as input param", out=None, err=None)
def _(it: Container) -> None:
    fine(it, SHELL["count"])
    answers(it, ["a", "b"], ["a", "b"])


@contextlib.contextmanager
def container_of(case: Case) -> Iterator[Container]:
    """A container for one case."""
    with served("openwhisk", "--runtime", case.runtime, env=case.env) as server:
        yield Container(server, case.runtime)
