"""Random numbers of reverted processes: no two requests get the same ones."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from groundhog import Function, Pool
from groundhog.errors import InitError, ProtocolError
from tests.framework.commands import is_gone

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Source = Callable[[str, str], Path]

pytestmark = [pytest.mark.kernel, pytest.mark.usefixtures("no_leaks")]
REQUESTS = 300

PYTHON = """
import hashlib, os, random, secrets, ssl, tempfile, uuid

ssl.RAND_bytes(1)
tempfile.mktemp()
kept = random.random

def main(params):
    return {
        "random": random.random(),
        "a reference to it": kept(),
        "normal": random.gauss(0, 1),
        "tempfile": tempfile.mktemp(),
        "openssl": ssl.RAND_bytes(16).hex(),
        "uuid1": str(uuid.uuid1()),
        "uuid4": str(uuid.uuid4()),
        "secrets": secrets.token_hex(16),
        "kernel": os.urandom(16).hex(),
    }
"""
REPEATS = {
    "python": {"random", "a reference to it", "normal", "tempfile", "openssl"},
    "node": {  # not what threads of Node's pool draw: it is not always the same thread
        "Math.random",
        "a reference to it",
        "randomBytes",
        "a reference to randomBytes",
        "randomFillSync",
        "randomInt",
        "randomUUID",
        "web randomUUID",
        "getRandomValues",
        "getRandomValues of the module",
    },
    "node module": {"randomBytes", "randomUUID"},
}
NODE = """
const crypto = require('crypto');
const { promisify } = require('util');
const { randomBytes } = crypto;
const kept = Math.random;
crypto.randomBytes(1);
crypto.randomUUID();

async function main(params) {
  return {
    'Math.random': Math.random(),
    'a reference to it': kept(),
    randomBytes: crypto.randomBytes(16).toString('hex'),
    'a reference to randomBytes': randomBytes(16).toString('hex'),
    'later randomBytes': (await promisify(crypto.randomBytes)(16)).toString('hex'),
    randomFillSync: crypto.randomFillSync(Buffer.alloc(16)).toString('hex'),
    randomFill: (await promisify(crypto.randomFill)(Buffer.alloc(16))).toString('hex'),
    randomInt: crypto.randomInt(2 ** 47),
    'later randomInt': await promisify(crypto.randomInt)(2 ** 47),
    randomUUID: crypto.randomUUID(),
    'web randomUUID': globalThis.crypto.randomUUID(),
    getRandomValues: Buffer.from(globalThis.crypto.getRandomValues(new Uint8Array(16))).toString('hex'),
    'getRandomValues of the module': Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString('hex'),
  };
}
"""
NODE_MODULE = """
import { randomBytes, randomUUID } from 'node:crypto';
randomBytes(1);
export const main = () => ({ randomBytes: randomBytes(16).toString('hex'), randomUUID: randomUUID() });
"""
CASES = {
    "python": ("handler.py", PYTHON),
    "node": ("handler.js", NODE),
    "node module": ("handler.mjs", NODE_MODULE),
}


async def draws(path: Path, requests: int, **options: Any) -> dict[str, list[Any]]:
    """What each generator gave to each request."""
    drawn: dict[str, list[Any]] = {}
    async with Pool(Function.from_file(path, **options), workers=1) as pool:
        for _ in range(requests):
            value = (await pool.invoke({})).value
            assert isinstance(value, dict)
            for name, number in value.items():
                drawn.setdefault(name, []).append(number)
        assert pool.stats().retirements.keys() <= {"superseded"}
    return drawn


def repeating(drawn: dict[str, list[Any]]) -> set[str]:
    return {name for name, numbers in drawn.items() if len(set(numbers)) < len(numbers)}


@pytest.mark.parametrize("case", CASES)
async def test_no_two_requests_get_the_same(source: Source, case: str) -> None:
    drawn = await draws(source(*CASES[case]), REQUESTS)
    assert drawn
    assert {len(numbers) for numbers in drawn.values()} == {REQUESTS}
    assert repeating(drawn) == set()


@pytest.mark.parametrize("case", CASES)
async def test_without_reseeding_they_do(source: Source, case: str) -> None:
    """The test above can fail: generators in the process's memory give every request the same."""
    drawn = await draws(source(*CASES[case]), 4, env={"GROUNDHOG_WITHOUT": "reseeding"})
    same = {name for name, numbers in drawn.items() if len(set(numbers)) == 1}
    assert same >= REPEATS[case]


KEYS = """
const crypto = require('node:crypto');
const early = crypto.generateKeyPairSync('ed25519').privateKey;
const ways = {
  pair: () => crypto.generateKeyPairSync('x25519'),
  later: () => crypto.generateKeyPair('x25519', () => {}),
  secret: () => crypto.generateKeySync('hmac', { length: 128 }),
  ecdh: () => crypto.createECDH('prime256v1').generateKeys(),
  dh: () => crypto.getDiffieHellman('modp14').generateKeys(),
  web: () => crypto.webcrypto.subtle.generateKey({ name: 'AES-GCM', length: 128 }, true, ['encrypt']),
};
exports.main = async () => {
  const said = {};
  for (const [name, way] of Object.entries(ways)) {
    try { await way(); said[name] = 'made'; } catch (error) { said[name] = error.message; }
  }
  return { said, signed: crypto.sign(null, Buffer.from('x'), early).length };
};
"""


async def test_keys_that_would_repeat_are_not_made(source: Source) -> None:
    """OpenSSL within Node cannot be seeded: two callers would get the same key."""
    path = source("handler.js", KEYS)
    async with Pool(Function.from_file(path)) as pool:
        for _ in range(3):
            value = (await pool.invoke({})).value
            assert isinstance(value, dict)
            assert value["signed"] == 64, "a key from before the snapshot goes on working"
            assert all("would be made again by the next request" in said for said in value["said"].values())
    async with Pool(Function.from_file(path), isolation="off") as pool:
        value = (await pool.invoke({})).value
        assert isinstance(value, dict)
        assert set(value["said"].values()) == {"made"}


async def test_an_answer_that_does_not_acknowledge_ends_the_process(source: Source) -> None:
    """Fail closed: what a function writes by itself says nothing about its random numbers."""
    path = source(
        "handler.py",
        """
import os, time
def main(params):
    if params.get("write"):
        os.write(3, b'{"mine":1}\\n')
        time.sleep(60)
    return {"pid": os.getpid(), "seen": sorted([*params, *(n for n in os.environ if "GROUNDHOG" in n)])}
""",
    )
    async with Pool(Function.from_file(path)) as pool:
        before = (await pool.invoke({"a": 1})).value
        assert isinstance(before, dict)
        assert before["seen"] == ["a"]
        with pytest.raises(ProtocolError, match="without saying that its random numbers are fresh"):
            await pool.invoke({"write": True})
        after = (await pool.invoke({})).value
        assert isinstance(after, dict)
        assert after["pid"] != before["pid"]
        assert is_gone(before["pid"])


HOOKED = """
import random
from snapshot_restore_py import register_after_restore, register_before_snapshot

order = []
mine = random.Random()
register_before_snapshot(order.append, "before 1")
register_before_snapshot(order.append, "before 2")
register_after_restore(mine.seed)
register_after_restore(order.append, "after 1")
register_after_restore(order.append, "after 2")

def main(params):
    return {"order": " ".join(order), "mine": mine.random()}
"""
PACKAGE = """
before, after = [], []

def register_before_snapshot(call, *args, **kwargs):
    before.append((call, args, kwargs))

def register_after_restore(call, *args, **kwargs):
    after.append((call, args, kwargs))

def get_before_snapshot():
    return before

def get_after_restore():
    return after
"""


async def test_hooks_run_before_the_snapshot_and_after_each_restore(source: Source) -> None:
    """Those of snapshot-restore-py; the stand-in keeps what is registered as the package does."""
    source("snapshot_restore_py.py", PACKAGE)
    drawn = await draws(source("handler.py", HOOKED), 100)
    assert set(drawn["order"]) == {"before 2 before 1 after 1 after 2"}
    assert repeating(drawn) == {"order"}


async def test_a_hook_that_fails_keeps_the_function_from_starting(source: Source) -> None:
    source("snapshot_restore_py.py", PACKAGE)
    path = source(
        "handler.py",
        """
from snapshot_restore_py import register_after_restore
register_after_restore(int, "no number")
def main(params):
    return {}
""",
    )
    with pytest.raises(InitError, match="no number"):
        await draws(path, 1)


NUMPY = """
import numpy.random
KIND
numpy.random.normal()  # keeps a second one for later
def main(params):
    return {"random": numpy.random.random(), "normal": numpy.random.normal()}
"""


@pytest.mark.may_skip("numpy is no dependency of the tests")
@pytest.mark.parametrize("kind", ["", "numpy.random.set_bit_generator(numpy.random.PCG64(1))"])
async def test_numpy_does_not_repeat_itself(source: Source, kind: str) -> None:
    pytest.importorskip("numpy")
    path = source("handler.py", NUMPY.replace("KIND", kind))
    env = {"OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": os.environ.get("PYTHONPATH", "")}
    assert repeating(await draws(path, 100, env=env)) == set()
    unseeded = await draws(path, 4, env={**env, "GROUNDHOG_WITHOUT": "reseeding"})
    assert repeating(unseeded) == set(unseeded)
