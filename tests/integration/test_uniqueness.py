"""Random numbers of reverted processes: no two requests get the same ones."""

from __future__ import annotations

import ctypes
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from groundhog import Function, Pool
from groundhog.errors import InitError, ProtocolError
from groundhog.runners import nodejs
from groundhog.testing import weakened
from groundhog.weakening import RESEEDING
from tests.framework.commands import is_gone

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from _pytest.mark.structures import ParameterSet

    Source = Callable[[str, str], Path]

pytestmark = [pytest.mark.kernel, pytest.mark.usefixtures("no_leaks")]
REQUESTS = 200
MORE = 1000

PYTHON = """
import hashlib, multiprocessing.synchronize, os, random, secrets, sqlite3, ssl, tempfile, uuid
import numpy.random, uuid_utils
from bson import ObjectId
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.asymmetric import ec, x25519

ssl.RAND_bytes(1)
tempfile.mktemp()
random.gauss(0, 1)  # keeps a second one for later
numpy.random.normal()  # likewise
x25519.X25519PrivateKey.generate()
ObjectId()
uuid_utils.uuid4()
kept = random.random
database = sqlite3.connect(":memory:")

def row(connection):
    return connection.execute("SELECT random()").fetchone()[0]

row(database)

def main(params):
    key = ec.generate_private_key(ec.SECP256R1())
    return {
        "random": random.random(),
        "a reference to it": kept(),
        "normal": random.gauss(0, 1),
        "numpy": numpy.random.random(),
        "numpy normal": numpy.random.normal(),
        "tempfile": tempfile.mktemp(),
        "openssl": ssl.RAND_bytes(16).hex(),
        "cryptography": x25519.X25519PrivateKey.generate().private_bytes_raw().hex(),
        "cryptography ec": str(key.private_numbers().private_value),
        "cryptography fernet": Fernet.generate_key().decode(),
        "sqlite": row(database),
        "sqlite, a new connection": row(sqlite3.connect(":memory:")),
        "names of semaphores": next(multiprocessing.synchronize.SemLock._rand),
        "bson": str(ObjectId()),
        "uuid1": str(uuid.uuid1()),
        "uuid4": str(uuid.uuid4()),
        "uuid_utils": str(uuid_utils.uuid4()),
        "secrets": secrets.token_hex(16),
        "kernel": os.urandom(16).hex(),
    }
"""
NUMPY_OTHER = """
import numpy.random
numpy.random.set_bit_generator(numpy.random.PCG64(1))
numpy.random.normal()  # keeps a second one for later

def main(params):
    return {"random": numpy.random.random(), "normal": numpy.random.normal()}
"""
OPENSSLS = """
import ctypes
IMPORT

def libraries():
    with open("/proc/self/maps") as maps:
        return {line.split()[-1] for line in maps if "/libcrypto" in line}

def drawn(path):
    numbers = ctypes.create_string_buffer(16)
    assert ctypes.CDLL(path).RAND_bytes(numbers, 16) == 1
    return numbers.raw.hex()

for path in libraries():
    drawn(path)

def main(params):
    return {path: drawn(path) for path in libraries()}
"""
NODE = """
const crypto = require('crypto');
const net = require('net');
const tls = require('tls');
const { promisify } = require('util');
const { randomBytes } = crypto;
const kept = Math.random;
crypto.randomBytes(1);
crypto.randomInt(5);
crypto.randomUUID();
URL.createObjectURL(new Blob(['']));
crypto.generateKeyPairSync('x25519');

// What a client of TLS says first has 32 random bytes.
function clientHello() {
  return new Promise((resolve, reject) => {
    const server = net.createServer((socket) => socket.once('data', (data) => {
      resolve(data.subarray(11, 43).toString('hex'));
      socket.destroy();
      server.close();
    }));
    server.listen(0, '127.0.0.1', () => tls.connect(server.address().port).on('error', () => {}));
    server.on('error', reject);
  });
}

const secret = (pair) => pair.privateKey.export({ type: 'pkcs8', format: 'der' }).toString('hex');

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
    createObjectURL: URL.createObjectURL(new Blob([''])),
    getRandomValues: Buffer.from(globalThis.crypto.getRandomValues(new Uint8Array(16))).toString('hex'),
    'getRandomValues of the module': Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString('hex'),
    generateKeyPair: secret(crypto.generateKeyPairSync('x25519')),
    'later generateKeyPair': secret(await promisify(crypto.generateKeyPair)('ed25519')),
    generateKey: crypto.generateKeySync('hmac', { length: 128 }).export().toString('hex'),
    createECDH: crypto.createECDH('prime256v1').generateKeys('hex'),
    'web generateKey': Buffer.from(await crypto.subtle.exportKey('raw',
      await crypto.subtle.generateKey({ name: 'AES-GCM', length: 128 }, true, ['encrypt']))).toString('hex'),
    tls: await clientHello(),
  };
}
"""
CONTEXTS = """
import vm, { runInNewContext } from 'node:vm';
const early = vm.createContext();
const script = new vm.Script('Math.random()');
export const main = () => ({
  new: vm.runInNewContext('Math.random()'),
  'by name': runInNewContext('Math.random()', {}, 'file.js'),
  'of a script': script.runInNewContext({ a: 1 }),
  'with a name': vm.runInContext('Math.random()', vm.createContext({}, { name: 'mine' })),
  'from before': vm.runInContext('Math.random()', early),
});
"""
THREADS = """
const { Worker } = require('worker_threads');
const text = `
  require('worker_threads').parentPort.postMessage({
    'Math.random': Math.random(),
    randomInt: require('crypto').randomInt(2 ** 47),
    randomUUID: require('crypto').randomUUID(),
  });
`;
exports.main = () => new Promise((resolve, reject) => {
  new Worker(text, { eval: true }).on('message', resolve).on('error', reject);
});
"""
NODE_MODULE = """
import { randomBytes, randomInt, randomUUID } from 'node:crypto';
randomBytes(1);
randomInt(5);
randomUUID();
export const main = () => ({
  randomBytes: randomBytes(16).toString('hex'),
  randomInt: randomInt(2 ** 47),
  randomUUID: randomUUID(),
});
"""
ANOTHER = """import os, shutil, ssl, tempfile
with open("/proc/self/maps") as maps:
    crypto = next(line.split()[-1] for line in maps if "/libcrypto" in line)
folder = tempfile.mkdtemp()
for half in ("crypto", "ssl"):
    ctypes.CDLL(shutil.copy(crypto.replace("crypto", half), f"{folder}/lib{half}.so.1.1"))
"""
CASES = {
    "python": ("handler.py", PYTHON, REQUESTS),
    "numpy with another generator": ("handler.py", NUMPY_OTHER, REQUESTS),
    "openssl of psycopg": ("handler.py", OPENSSLS.replace("IMPORT", "import psycopg"), 20),
    "openssl of psycopg, and ssl": ("handler.py", OPENSSLS.replace("IMPORT", "import psycopg, ssl"), 20),
    "openssl of another version, and ssl": ("handler.py", OPENSSLS.replace("IMPORT", ANOTHER), 20),
    "openssl without ssl": ("handler.py", OPENSSLS.replace("IMPORT", "import _ssl"), 20),
    "node": ("handler.js", NODE, REQUESTS),
    "node module": ("handler.mjs", NODE_MODULE, REQUESTS),
    "contexts of node": ("handler.mjs", CONTEXTS, 100),  # those take milliseconds
    "threads of node": ("handler.js", THREADS, 20),
}
NEVER = {  # these ask the kernel each time, whatever is reverted
    "python": {"cryptography fernet", "uuid1", "uuid4", "secrets", "kernel"},
    # What threads of Node's pool draw does not repeat always: it is not always the same thread.
    "node": {"later randomBytes", "randomFill", "later generateKeyPair", "web generateKey"},
}
ENV = {"OPENBLAS_NUM_THREADS": "1"}


# As their packages do it: the nanoid of CommonJS and the newer one, uuid, bson of three generations, one with
# a scope, those that draw later, copies and bundles within other packages, words, and the masks of WebSocket,
# also of Node itself.
POOLS = {
    "nanoid/index.js": """
const crypto = require('crypto');
let pool, at;
exports.draw = () => {
  if (!pool || at + 21 > pool.length) { pool = crypto.randomFillSync(Buffer.allocUnsafe(21 * 128)); at = 0; }
  return pool.subarray(at, at += 21).toString('hex');
};
""",
    "other/node_modules/nanoid/index.mjs": """
import { webcrypto as crypto } from 'node:crypto';
const pool = crypto.getRandomValues(Buffer.allocUnsafe(21 * 128));
let at = 0;
export const draw = () => pool.subarray(at, at += 21).toString('hex');
""",
    "uuid/dist/rng.js": """
const crypto = require('crypto');
const pool = new Uint8Array(256);
let at = pool.length;
exports.draw = () => {
  if (at > pool.length - 16) { crypto.randomFillSync(pool); at = 0; }
  return Buffer.from(pool.slice(at, at += 16)).toString('hex');
};
""",
    "bson/lib/bson.js": """
const { randomBytes } = require('crypto');
let unique = null;
exports.draw = () => (unique ??= randomBytes(5)).toString('hex');
""",
    "driver/node_modules/bson/lib/bson.cjs": """
const unique = crypto.getRandomValues(Buffer.alloc(5));
exports.draw = () => unique.toString('hex');
""",
    "@lukeed/csprng/node/index.js": """
const pool = require('crypto').randomBytes(4096);
let at = 0;
exports.draw = () => pool.subarray(at, at += 16).toString('hex');
""",
    "base64id/lib/base64id.js": """
const crypto = require('crypto');
let pool, at = 0;
crypto.randomBytes(4096, (error, bytes) => { pool = bytes; });
exports.draw = () => (pool ? pool.slice(at, at += 12) : crypto.randomBytes(12)).toString('hex');
""",
    "other/node_modules/base64id/asked.js": """
const crypto = require('crypto');
let pool, asked, at = 0;
exports.draw = () => {
  if (!asked) asked = crypto.randomBytes(4096, (error, bytes) => { pool = bytes; }) === undefined;
  return (pool ? pool.slice(at, at += 12) : crypto.randomBytes(12)).toString('hex');
};
""",
    "engine.io/build/contrib/base64id.js": """
const crypto = require('crypto');
let pool, at = 0;
crypto.randomBytes(4096, (error, bytes) => { pool = bytes; });
exports.draw = () => (pool ? pool.slice(at, at += 12) : crypto.randomBytes(12)).toString('hex');
""",
    "next/dist/compiled/nanoid/index.cjs": """
const pool = require('crypto').randomFillSync(Buffer.allocUnsafe(21 * 128));
let at = 0;
exports.draw = () => pool.subarray(at, at += 21).toString('hex');
""",
    "next/dist/compiled/next-server/runtime.js": """
const pool = require('crypto').randomFillSync(Buffer.allocUnsafe(21 * 128));
let at = 0;
exports.draw = () => pool.subarray(at, at += 21).toString('hex');
""",
    "@prisma/client/runtime/client.js": """
const pool = require('crypto').webcrypto.getRandomValues(Buffer.allocUnsafe(16 * 128));
let at = 0;
exports.draw = () => pool.subarray(at, at += 16).toString('hex');
""",
    "uuid-random/index.js": """
const pool = crypto.getRandomValues(new Uint8Array(4096));
let at = 0;
exports.draw = () => Buffer.from(pool.slice(at, at += 16)).toString('hex');
""",
    "uuidv7/dist/index.js": """
const words = new Uint32Array(8);
let at = 8;
exports.draw = () => {
  if (at === words.length) { crypto.getRandomValues(words); at = 0; }
  return words[at++];
};
""",
    "dd-trace/packages/dd-trace/src/id.js": """
const { randomFillSync } = require('crypto');
const data = new Uint8Array(8 * 8192);
let at = 0;
exports.draw = () => {
  if (at === 0) randomFillSync(data);
  return Buffer.from(data.slice(at, at += 8)).toString('hex');
};
""",
    "ws/lib/sender.js": """
const { randomFillSync } = require('crypto');
const pool = Buffer.alloc(8192);
let at = pool.length;
exports.draw = () => {
  if (at === pool.length) { randomFillSync(pool, 0, pool.length); at = 0; }
  return pool.subarray(at, at += 4).toString('hex');
};
""",
    "undici/lib/web/websocket/frame.js": """
const crypto = require('crypto');
let pool, at;
exports.draw = () => {
  if (!pool) { crypto.randomFillSync(pool = Buffer.allocUnsafe(16386), 0, 16386); at = 0; }
  return pool.subarray(at, at += 4).toString('hex');
};
""",
    "like/node/itself.js": """
const filename = 'node:internal/deps/undici/undici';
const own = require('vm').runInThisContext('(crypto, pool) => crypto.randomFillSync(pool)', { filename });
const pool = own(require('crypto'), Buffer.allocUnsafe(16386));
let at = 0;
exports.draw = () => pool.subarray(at, at += 4).toString('hex');
""",
}
KEPT = """
const key = require('crypto').randomBytes(5);
exports.draw = () => key.toString('hex');
"""
USES_POOLS = """
const found = FILES.map((file) => require('./node_modules/' + file));
const newer = import('./node_modules/other/node_modules/nanoid/index.mjs');
const own = require('./node_modules/constructor/index.js');
const all = () => found.map((each) => each.draw());
exports.main = async () => ({ key: own.draw(), newer: (await newer).draw(), ...all() });
"""


async def test_what_packages_keep_in_store_is_drawn_again(source: Source) -> None:
    """Although the warm-up has drawn from it. What else was drawn by then stays."""
    for name, text in {**POOLS, "constructor/index.js": KEPT}.items():
        source(f"node_modules/{name}", text)
    files = [name for name in POOLS if not name.endswith(".mjs")]
    path = source("handler.js", f"const FILES = {files};{USES_POOLS}")
    drawn = await draws(path, 50)
    assert drawn.keys() == {"key", "newer", *(str(number) for number in range(len(files)))}
    assert repeating(drawn) == {"key"}
    assert len(set(drawn["key"])) == 1
    with weakened(RESEEDING):
        assert repeating(await draws(path, 4)) == drawn.keys()


# Likewise.
MODULES = {
    "aiohttp/http_websocket.py": """
import random

class WebSocketWriter:
    def __init__(self, use_mask=True, *, random=random.Random()):
        self.random = random

    def draw(self):
        return self.random.getrandbits(32)

draw = WebSocketWriter().draw
""",
    "polars.py": """
import random
generator = random.Random()
draw = generator.random

def set_random_seed(seed):
    assert 0 <= seed < 2**64
    generator.seed(seed)
""",
    "torch.py": """
import random

class Generator:
    def __init__(self):
        self.numbers = random.Random()

    def manual_seed(self, seed):
        assert 0 <= seed < 2**64
        self.numbers.seed(seed)

default_generator = Generator()

def draw():
    return default_generator.numbers.random()
""",
    "ddtrace/internal/native.py": """
import random
generator = random.Random()

def seed():
    generator.seed()

def draw():
    return generator.getrandbits(64)
""",
    "ddtrace/internal/_rand.py": """
import random
state = 0

def seed():
    global state
    state = random.getrandbits(64)

def draw():
    global state
    state = (state * 6364136223846793005 + 1) % 2**64
    return state
""",
}
USES_MODULES = """
import importlib
found = {name: importlib.import_module(name) for name in NAMES}

def main(params):
    return {name: module.draw() for name, module in found.items()}
"""


async def test_generators_of_packages_are_seeded(source: Source) -> None:
    for name, text in MODULES.items():
        source(name, text)
    names = [name.removesuffix(".py").replace("/", ".") for name in MODULES]
    path = source("handler.py", f"NAMES = {names}{USES_MODULES}")
    drawn = await draws(path, 50)
    assert drawn.keys() == set(names)
    assert repeating(drawn) == set()
    with weakened(RESEEDING):
        assert repeating(await draws(path, 4)) == drawn.keys()


GNUTLS = """
import ctypes
gnutls = ctypes.CDLL("libgnutls.so.30")

def main(params):
    numbers = ctypes.create_string_buffer(16)
    drawn = {}
    for level in ("nonces", "random", "keys"):
        assert gnutls.gnutls_rnd(len(drawn), numbers, 16) == 0
        drawn[level] = numbers.raw.hex()
    return drawn
"""


@pytest.mark.may_skip("a machine may have no GnuTLS")
async def test_gnutls_is_seeded(source: Source) -> None:
    """Debian's libcurl began each request's connection with the same key."""
    path = source("handler.py", GNUTLS)
    try:
        ctypes.CDLL("libgnutls.so.30")
    except OSError:
        pytest.skip("this machine has no GnuTLS")
    drawn = await draws(path, 20)
    assert drawn.keys() == {"nonces", "random", "keys"}
    assert repeating(drawn) == set()
    with weakened(RESEEDING):
        assert repeating(await draws(path, 4)) == drawn.keys()


async def draws(path: Path, requests: int, **options: Any) -> dict[str, list[Any]]:
    """What each generator gave to each request."""
    drawn: dict[str, list[Any]] = {}
    async with Pool(Function.from_file(path, warmup=[{}], **options), workers=1) as pool:
        for _ in range(requests):
            value = (await pool.invoke({})).value
            assert isinstance(value, dict)
            for name, number in value.items():
                drawn.setdefault(name, []).append(number)
        assert pool.stats().retirements.keys() <= {"superseded"}
    return drawn


def repeating(drawn: dict[str, list[Any]]) -> set[str]:
    return {name for name, numbers in drawn.items() if len(set(numbers)) < len(numbers)}


def often() -> list[ParameterSet]:
    """Each case, with the number of its requests; with more where those are quick."""
    few = [pytest.param(case, requests, id=case) for case, (_, _, requests) in CASES.items()]
    return few + [
        pytest.param(case, MORE, id=f"{case}, more", marks=pytest.mark.slow)
        for case, (_, _, requests) in CASES.items()
        if requests == REQUESTS
    ]


@pytest.mark.parametrize(("case", "requests"), often())
async def test_no_two_requests_get_the_same(source: Source, case: str, requests: int) -> None:
    name, text, _ = CASES[case]
    drawn = await draws(source(name, text), requests, env=ENV)
    assert drawn
    assert {len(numbers) for numbers in drawn.values()} == {requests}
    assert repeating(drawn) == set()


@pytest.mark.parametrize("case", CASES)
async def test_without_reseeding_they_do(source: Source, case: str) -> None:
    """The test above can fail: generators in the process's memory give every request the same."""
    name, text, _ = CASES[case]
    with weakened(RESEEDING):
        drawn = await draws(source(name, text), 4, env=ENV)
    assert repeating(drawn) >= drawn.keys() - NEVER.get(case, set())


@pytest.mark.parametrize("variable", [None, "reseeding", "openssl"])
async def test_a_node_whose_openssl_cannot_be_seeded_serves_nothing(
    source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str | None
) -> None:
    launcher = shutil.copytree(nodejs._LAUNCHER.parent, tmp_path / "bootstrap") / nodejs._LAUNCHER.name
    (launcher.parent / "openssl.node").write_bytes(b"")
    monkeypatch.setattr(nodejs, "_LAUNCHER", launcher)
    path = source("handler.js", "exports.main = () => ({});")
    with pytest.raises(InitError, match=r"would give each request the same random numbers and keys"):
        await draws(path, 1, env={} if variable is None else {"GROUNDHOG_WITHOUT": variable})


@pytest.mark.parametrize("case", ["python", "node"])
async def test_the_environment_of_a_server_turns_nothing_off(
    source: Source, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    name, text, _ = CASES[case]
    monkeypatch.setenv("GROUNDHOG_WITHOUT", "reseeding")
    assert (
        repeating(await draws(source(name, text), 4, env={**ENV, "GROUNDHOG_WITHOUT": "reseeding"})) == set()
    )


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("handler.py", "def main(params):\n    return params\n"),
        ("handler.js", "exports.main = (params) => params;"),
    ],
)
async def test_what_a_caller_sends_is_no_word_of_a_launcher(source: Source, name: str, text: str) -> None:
    """Not even if the function returns it."""
    async with Pool(Function.from_file(source(name, text))) as pool:
        for sent in ({"groundhog": "hook", "error": "made up"}, {"groundhog": "prepare"}, {"ok": False}):
            assert (await pool.invoke(sent)).value == sent
        assert pool.stats().retirements == {}


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


NAMED_OTHERWISE = """
import mmap, os, random

with open(os.fsencode(__file__).replace(b"handler.py", b"library-\\xe9"), "wb+") as file:
    file.write(b"x" * 4096)
    file.flush()
    kept = mmap.mmap(file.fileno(), 4096)

def main(params):
    return {"random": random.random()}
"""


async def test_a_mapped_file_whose_name_is_no_utf_8(source: Source) -> None:
    path = source("handler.py", NAMED_OTHERWISE)
    async with Pool(Function.from_file(path), jail="none") as pool:
        drawn = {(await pool.invoke({})).value["random"] for _ in range(3)}
    assert len(drawn) == 3
