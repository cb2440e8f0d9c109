"""`groundhog audit` finds generators of random numbers that repeat, by its command line."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import groundhog as package
from groundhog.audit.repetition import DRAWS, FOREIGN, NEVER_TWICE, PRIVATE_ADVICE
from groundhog.weakening import RESEEDING
from tests.framework import programs
from tests.framework.commands import groundhog

if TYPE_CHECKING:
    from collections.abc import Callable

    Source = Callable[[str, str], Path]

pytestmark = [pytest.mark.kernel, pytest.mark.long]
MAIN = "\ndef main(params):\n    return params\n"


def command(source: Source, path: Path, *words: str) -> list[str]:
    return ["audit", str(path), "--payloads", str(source("payloads.jsonl", '{"name": "ada"}\n')), *words]


def audited(
    source: Source,
    path: Path,
    *words: str,
    code: int = 0,
    env: dict[str, str] | None = None,
    weakened: str | None = None,
) -> dict[str, Any]:
    """What the report says about random numbers."""
    result = groundhog(*command(source, path, "--json", *words), env=env, weakened=weakened)
    assert result.returncode == code, result.stderr + result.stdout
    report = json.loads(result.stdout)
    assert report["clean"] == (code == 0)
    assert report["leaks_with_isolation"] == []
    assert all(request["verified"] for request in report["requests"])
    numbers: dict[str, Any] = report["random_numbers"]
    return numbers


def by_verdict(entries: list[dict[str, str]], key: str) -> dict[str, set[str]]:
    made: dict[str, set[str]] = {}
    for entry in entries:
        made.setdefault(entry["verdict"], set()).add(entry[key])
    return made


PYTHON = """
import random, ssl, tempfile
import lib.clients
from snapshot_restore_py import register_after_restore

ssl.RAND_bytes(1)
tempfile.mktemp()
mine = random.Random()
hooked = random.Random()
replaced = random.Random()


def renew():
    global replaced
    replaced = random.Random()


register_after_restore(hooked.seed)
register_after_restore(renew)
"""
LIBRARY = """
import random

class Client:
    def __init__(self):
        self._jitter = random.Random()

_clients = {"default": Client()}
"""
RESEEDED = {"random.random", "random.gauss", "names of tempfile", "ssl.RAND_bytes"}


def python_function(source: Source) -> Path:
    source("lib/__init__.py", "")
    source("lib/clients.py", LIBRARY)
    return source("handler.py", PYTHON + MAIN)


class TestPython:
    def test_private_generators_are_warned_of_unless_a_hook_seeds_them(self, source: Source) -> None:
        numbers = audited(source, python_function(source))
        assert numbers["requests"] == DRAWS
        assert numbers["unexamined"] == ""
        known = by_verdict(numbers["known"], "name")
        assert known.keys() == {"differs"}
        assert known["differs"] >= RESEEDED | {"os.urandom"}
        assert by_verdict(numbers["private"], "where") == {
            "repeats": {"handler.mine", "lib.clients._clients['default']._jitter"},
            "differs": {"handler.hooked", "handler.replaced"},
        }
        assert {entry["what"] for entry in numbers["private"]} == {"random.Random"}

    def test_for_people(self, source: Source, tmp_path: Path) -> None:
        page = tmp_path / "report.html"
        result = groundhog(*command(source, python_function(source), "--html", str(page)))
        assert result.returncode == 0, result.stderr
        names = "handler.mine (random.Random), lib.clients._clients['default']._jitter (random.Random)"
        sentence = f"restored requests get the same numbers from {names}: {PRIVATE_ADVICE}"
        assert sentence in result.stdout
        assert "SAME" not in result.stdout
        text = page.read_text()
        assert sentence.replace("'", "&#x27;") in text
        assert f"random numbers, drawn in {DRAWS} restored requests" in text

    def test_known_generators_that_repeat_fail_the_audit(self, source: Source) -> None:
        path = python_function(source)
        known = by_verdict(audited(source, path, code=1, weakened=RESEEDING)["known"], "name")
        assert known["repeats"] == RESEEDED
        assert "os.urandom" in known["differs"]
        result = groundhog(*command(source, path), weakened=RESEEDING)
        assert result.returncode == 1
        sentence = (
            "get the SAME numbers from random.random, random.gauss, names of tempfile, ssl.RAND_bytes: "
        )
        assert sentence in result.stdout

    def test_one_that_is_drawn_from_in_the_warm_up(self, source: Source) -> None:
        """It is loaded and made by then; and the snapshot is of its state afterwards."""
        text = "kept = []\ndef main(params):\n    import random\n    kept.append(random.Random())\n"
        path = source("handler.py", text + "    return {}\n")
        assert audited(source, path)["private"] == []
        found = audited(source, path, "--warmup", "{}")["private"]
        assert by_verdict(found, "where") == {"repeats": {"handler.kept[0]"}}


NUMPY = """
import numpy.random
from numpy.random import default_rng
numpy.random.normal()
generator = default_rng()
streams = {"a": numpy.random.PCG64(), "b": numpy.random.RandomState(5)}
"""


def test_numpy(source: Source) -> None:
    path = source("handler.py", NUMPY + MAIN)
    legacy = {"numpy.random.random", "numpy.random.normal"}
    env = {"OPENBLAS_NUM_THREADS": "1"}
    numbers = audited(source, path, env=env)
    assert by_verdict(numbers["known"], "name")["differs"] >= legacy
    assert by_verdict(numbers["private"], "where") == {
        "repeats": {"handler.generator", "handler.streams['a']", "handler.streams['b']"}
    }


@pytest.mark.slow
def test_numpy_that_is_not_seeded(source: Source) -> None:
    path, env = source("handler.py", NUMPY + MAIN), {"OPENBLAS_NUM_THREADS": "1"}
    known = by_verdict(audited(source, path, code=1, env=env, weakened=RESEEDING)["known"], "name")
    assert known["repeats"] >= {"numpy.random.random", "numpy.random.normal"}


CRYPTOGRAPHY = """
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
X25519PrivateKey.generate()
"""


def test_keys_of_cryptography(source: Source) -> None:
    """It brings an OpenSSL of its own, whose generator is in memory once a key has been made."""
    path = source("handler.py", CRYPTOGRAPHY + MAIN)
    keys = "private keys of cryptography"
    assert keys in by_verdict(audited(source, path)["known"], "name")["differs"]
    assert keys in by_verdict(audited(source, path, code=1, weakened=RESEEDING)["known"], "name")["repeats"]


NODE = """
const crypto = require('crypto');
crypto.randomBytes(1);
crypto.randomUUID();
"""
NODE_MAIN = "exports.main = (params) => params;\n"
RANDOM = {
    "Math.random",
    "crypto.randomBytes",
    "crypto.randomFillSync",
    "crypto.randomInt",
    "crypto.randomUUID",
    "crypto.getRandomValues",
    "webcrypto.randomUUID",
}
KEYS = {"crypto.generateKeyPairSync", "crypto.generateKeySync", "ECDH.generateKeys"}
# It fills a pool of many names, as the package does.
NANOID = """
const crypto = require('crypto');
let pool = null, at = 0;
exports.nanoid = () => {
  if (!pool || at + 21 > pool.length) { pool = crypto.randomFillSync(Buffer.alloc(21 * 128)); at = 0; }
  return pool.subarray(at, at += 21).toString('base64url');
};
"""


class TestNode:
    def test_no_number_comes_twice(self, source: Source) -> None:
        known = by_verdict(audited(source, source("handler.js", NODE + NODE_MAIN))["known"], "name")
        assert known.keys() == {"differs"}
        assert known["differs"] >= RANDOM | KEYS

    def test_known_generators_that_repeat_fail_the_audit(self, source: Source) -> None:
        path = source("handler.js", NODE + NODE_MAIN)
        known = by_verdict(audited(source, path, code=1, weakened=RESEEDING)["known"], "name")
        assert known["repeats"] >= RANDOM | KEYS

    def test_a_package_with_a_pool(self, source: Source) -> None:
        """Once it is filled in the warm-up, each request would get the same rest of it."""
        package = str(source("node_modules/nanoid/index.js", NANOID))
        text = "const { nanoid } = require('nanoid');\nexports.main = () => ({ id: nanoid() });\n"
        path = source("handler.js", text)
        assert package in by_verdict(audited(source, path)["private"], "where")["differs"]
        assert package in by_verdict(audited(source, path, "--warmup", "{}")["private"], "where")["differs"]
        found = audited(source, path, "--warmup", "{}", code=1, weakened=RESEEDING)["private"]
        assert package in by_verdict(found, "where")["repeats"]
        advice = {entry["where"]: entry["advice"] for entry in found}
        assert "draw nothing before the snapshot" in advice[package]

    def test_ids_of_questions(self, source: Source) -> None:
        """Two resolvers of the load time keep random bytes in store; the default one asks nothing before."""
        text = """
const dns = require('dns');
const resolver = new dns.Resolver({ timeout: 1, tries: 1 });
const other = new dns.promises.Resolver({ timeout: 1, tries: 1 });
resolver.setServers(['127.0.0.1:9']);
other.setServers(['127.0.0.1:9']);
resolver.resolve4('load.invalid', () => {});
other.resolve4('load.invalid').catch(() => {});
exports.main = () => ({});
exports.kept = [resolver, other];
"""
        path = source("handler.js", text)
        found = audited(source, path)["private"]
        assert by_verdict(found, "where") == {"repeats": {"a dns.Resolver"}, "differs": {"dns.resolve"}}
        assert "make a Resolver in the request" in found[0]["advice"]


class TestNotExamined:
    def test_a_program_of_its_own(self, source: Source, tmp_path: Path) -> None:
        victims = Path(package.__file__).parent / "audit" / "victims" / "python"
        payloads = source("payloads.jsonl", '{"secret": "ada"}\n')
        program = (sys.executable, str(victims / "loop.py"), str(victims / "count.py"))
        for command in (program, programs.rust("tickets")):  # the latter with a helper
            result = groundhog("audit", "--payloads", str(payloads), "--", *command, cwd=tmp_path)
            assert result.returncode == 0, result.stderr
            assert f"its random number generators were not examined: {FOREIGN}" in result.stdout

    def test_a_process_that_is_replaced_after_each_draw(self, source: Source) -> None:
        text = "import os, random\nclass R(random.Random):\n    def random(self):\n"
        text += "        os.setsid()\n        return super().random()\nmine = R()\n"
        numbers = audited(source, source("handler.py", text + MAIN))
        assert numbers["requests"] == DRAWS
        assert numbers["unexamined"] == NEVER_TWICE

    def test_a_process_that_a_draw_ends(self, source: Source) -> None:
        text = "import os, random\nclass R(random.Random):\n    def random(self): os._exit(3)\nmine = R()\n"
        numbers = audited(source, source("handler.py", text + MAIN))
        assert numbers["requests"] == 0
        assert "ended (exited 3) before it answered" in numbers["unexamined"]

    def test_a_generator_that_cannot_be_drawn_from(self, source: Source) -> None:
        text = (
            "import random\nclass R(random.Random):\n    def random(self):\n        raise OSError('empty')\n"
        )
        numbers = audited(source, source("handler.py", text + "mine = R()\nhers = random.Random()\n" + MAIN))
        assert by_verdict(numbers["private"], "where") == {
            "refused": {"handler.mine"},
            "repeats": {"handler.hers"},
        }
        assert [entry["note"] for entry in numbers["private"] if entry["note"]] == ["OSError: empty"]
