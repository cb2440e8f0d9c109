"""A container of OpenWhisk as the platform asks it, and code that each runtime has."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import httpx

from tests.framework.commands import NO_CERTIFICATES

if TYPE_CHECKING:
    from tests.framework.commands import Served

SENTINEL = "XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX"
CODES = {
    "python": {
        "echo": (
            "import sys\ndef main(args):\n    print('to stdout')\n    print('to stderr', file=sys.stderr)\n"
            "    return args\n"
        ),
        "scalar": "def main(args):\n    return 'not an object'\n",
        "niam": "def niam(args):\n    return args\n",
        "unicode": "def main(args):\n    text = args['delimiter'] + ' ☃ ' + args['delimiter']\n"
        "    print(text)\n    return {'winter': text}\n",
        "env": "import os\nat_load = dict(os.environ)\ndef main(args):\n"
        "    return {name: [at_load.get(name), os.environ.get(name)] for name in args['names']}\n",
        "context": "import os\ndef main(args):\n"
        "    return {name: value for name, value in os.environ.items() if name.startswith('__OW_')}\n",
        "count": "calls = []\ndef main(args):\n    calls.append(args)\n    return {'calls': len(calls)}\n",
        "raise": "def main(args):\n    raise ValueError('no luck')\n",
        "return error": "def main(args):\n    return {'error': 'no luck'}\n",
        "exit": "import os\ndef main(args):\n    args.get('exit') and os._exit(1)\n    return args\n",
        "exit at init": "import os\nos._exit(1)\ndef main(args):\n    return args\n",
        "broken": "def main(args:\n",
        "loads": "import sys\nprint('loading')\nprint('careful', file=sys.stderr)\n"
        "def main(args):\n    return args\n",
    },
    "nodejs": {
        "echo": "function main(args) { console.log('to stdout'); console.error('to stderr'); return args; }",
        "scalar": "function main(args) { return 'not an object'; }",
        "niam": "function niam(args) { return args; }",
        "unicode": "function main(args) { const text = args.delimiter + ' ☃ ' + args.delimiter;"
        " console.log(text); return {winter: text}; }",
        "env": "const atLoad = {...process.env}; function main(args) { return Object.fromEntries("
        "args.names.map((name) => [name, [atLoad[name] ?? null, process.env[name] ?? null]])); }",
        "context": "function main(args) { return Object.fromEntries("
        "Object.entries(process.env).filter(([name]) => name.startsWith('__OW_'))); }",
        "count": "const calls = []; function main(args) { calls.push(args); return {calls: calls.length}; }",
        "raise": "function main(args) { throw new Error('no luck'); }",
        "return error": "function main(args) { return {error: 'no luck'}; }",
        "exit": "function main(args) { if (args.exit) process.exit(1); return args; }",
        "exit at init": "process.exit(1); function main(args) { return args; }",
        "broken": "function main(args {",
        "loads": "console.log('loading'); console.error('careful'); function main(args) { return args; }",
    },
}


class Container:
    """A running container, its code, and its logs."""

    def __init__(self, server: Served, runtime: str) -> None:
        self.server = server
        self.codes = CODES.get(runtime, {})
        self.runtime = runtime

    def post(self, path: str, body: Any) -> httpx.Response:
        # A connection of its own for each request, as the platform makes them.
        response = httpx.post(self.server.url + path, json=body, timeout=60, verify=NO_CERTIFICATES)
        assert int(response.headers["content-length"]) == len(response.content)
        assert "transfer-encoding" not in response.headers
        return response

    def init(self, code: str = "", **members: Any) -> httpx.Response:
        value = {
            "name": "action",
            "main": "main",
            "code": self.codes.get(code, code),
            "binary": False,
            "env": None,
        }
        return self.post("/init", {"value": {**value, **members}})

    def run(self, value: Any, **members: Any) -> httpx.Response:
        deadline = str(int((time.time() + 60) * 1000))
        return self.post("/run", {"value": value, "deadline": deadline, **members})

    def logs(self) -> tuple[list[str], list[str]]:
        """End the container; what it wrote to stdout and to stderr."""
        assert self.server.stop() == 0
        assert self.server.process.stdout is not None
        return self.server.process.stdout.read().splitlines(), self.server.log.splitlines()
