"""The random numbers of a Python function, made fresh for each request. Loaded by the launcher."""

# ruff: noqa: PTH119, PTH120, PTH123 - as in the launcher

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class Generators:
    """The generators of random numbers that a revert would let repeat themselves.

    What a request imports, or makes of them, it seeds from the kernel by itself.
    """

    def __init__(self) -> None:
        self._loaded: list[Callable[[bytes], None]] = []

    def find(self) -> None:
        """Look for them in what is loaded now; nothing is imported for it."""
        found = [
            ("random", "_inst", _reseed_random),
            ("numpy.random.mtrand", "_rand", _reseed_numpy),
            ("tempfile", "_name_sequence", _reseed_tempfile),
            ("ssl", "RAND_add", _reseed_openssl),
            ("cryptography.hazmat.bindings._rust", "_openssl", _reseed_cryptography),
            ("multiprocessing.synchronize", "SemLock", lambda lock: _reseed_tempfile(lock._rand)),  # noqa: SLF001
            ("_sqlite3", "__spec__", _reseed_sqlite),
            ("bson.objectid", "ObjectId", _reseed_objectid),
            ("uuid_utils", "reseed_rng", lambda reseed: lambda _: reseed()),  # as after a fork
            ("ddtrace.internal.native", "seed", lambda reseed: lambda _: reseed()),  # likewise
            ("ddtrace.internal._rand", "seed", lambda reseed: lambda _: reseed()),  # up to version 3
            ("polars", "set_random_seed", lambda reseed: lambda seed: reseed(int(seed[:16], 16))),
            ("torch", "default_generator", lambda its: lambda seed: its.manual_seed(int(seed[:16], 16))),
            ("aiohttp.http_websocket", "WebSocketWriter", _reseed_aiohttp),
        ]
        self._loaded = []
        for name, attribute, reseed in found:
            its = getattr(sys.modules.get(name), attribute, None)
            if its is not None:
                self._loaded.append(reseed(its))
        self._loaded += [reseed for path in _libraries() for reseed in _reseed_library(path)]

    def reseed(self, seed: bytes) -> None:
        """Make all that they give from now on depend on ``seed``."""
        for reseed in self._loaded:
            reseed(seed)


def _reseed_random(instance: Any) -> Callable[[bytes], None]:
    seed_with = super(type(instance), instance).seed  # without looking what kind of seed it is

    def reseed(seed: bytes) -> None:
        seed_with(int(seed, 16))
        instance.gauss_next = None

    return reseed


def _reseed_numpy(legacy: Any) -> Callable[[bytes], None]:
    def reseed(seed: bytes) -> None:
        generator = legacy._bit_generator  # noqa: SLF001 - the public seed() refuses all but the first kind
        words = [int(seed[at : at + 8], 16) for at in range(0, len(seed), 8)]
        if hasattr(generator, "_legacy_seeding"):
            legacy.seed(words)
        else:
            generator.state = type(generator)(words).state
            if legacy.get_state(legacy=False)["has_gauss"]:
                legacy.standard_normal()  # the second of a pair that was drawn before

    return reseed


def _reseed_tempfile(names: Any) -> Callable[[bytes], None]:
    def reseed(_: bytes) -> None:
        names._rng_pid = None  # noqa: SLF001 - as after a fork: the next name comes from a new generator

    return reseed


def _reseed_objectid(kind: Any) -> Callable[[bytes], None]:
    def reseed(_: bytes) -> None:
        kind._pid = None  # noqa: SLF001 - as after a fork: the next id has other random bytes

    return reseed


def _reseed_aiohttp(writer: Any) -> Callable[[bytes], None]:
    """All WebSockets of clients draw their masks from one generator, which is a parameter's default."""
    init = writer.__init__
    keywords = getattr(init, "__kwdefaults__", None) or {}
    defaults = [*(getattr(init, "__defaults__", None) or ()), *keywords.values()]
    seeds = [default.seed for default in defaults if hasattr(default, "seed")]

    def reseed(_: bytes) -> None:
        for seed in seeds:
            seed()

    return reseed


def _reseed_openssl(add: Callable[[bytes, float], None]) -> Callable[[bytes], None]:
    # Makes OpenSSL draw from the kernel anew: its check for forks sees the same process id as ever.
    return lambda seed: add(seed, 32.0)


def _reseed_cryptography(openssl: Any) -> Callable[[bytes], None]:
    """It brings an OpenSSL of its own, from which the keys come."""
    add = openssl.lib.RAND_add
    return lambda seed: add(seed, len(seed), 32.0)


def _libraries() -> set[str]:
    """The files of libraries with generators that others than `ssl` may draw from: of OpenSSL those that
    wheels bring along, as psycopg's does, and the machine's where its other half is loaded, too, not only for
    hashes; of the others any.
    """
    try:
        with open("/proc/self/maps", errors="surrogateescape") as maps:
            lines = (line.rstrip("\n").removesuffix(" (deleted)") for line in maps if "/lib" in line)
            files = {line.split(None, 5)[5] for line in lines}
    except OSError:
        return set()
    names = {file: os.path.basename(file) for file in files}
    folders = {os.path.dirname(file) for file, name in names.items() if name.startswith("libssl")}
    own = _own_openssl()
    return {
        file
        for file, name in names.items()
        if name.startswith(("libgnutls.", "libgnutls-", "libgcrypt"))
        or (
            name.startswith("libcrypto")
            and not (own and name.startswith(own))
            and (os.path.dirname(file).endswith(".libs") or os.path.dirname(file) in folders)
        )
    }


def _own_openssl() -> str | None:
    """The name of the library that `ssl` draws from; none if `ssl` is not loaded, or has a copy in itself."""
    file = getattr(sys.modules.get("_ssl"), "__file__", None)
    if "ssl" not in sys.modules or file is None:
        return None
    try:
        with open(file, "rb") as module:
            code = module.read()
    except OSError:
        return None
    start = code.find(b"libcrypto.so")
    return None if start < 0 else code[start : code.index(b"\0", start)].decode("ascii", "replace")


def _reseed_library(path: str) -> list[Callable[[bytes], None]]:
    """The first thread's generators, where each has its own, as those of GnuTLS."""
    try:
        import ctypes  # only for those who use one

        library = ctypes.CDLL(path, mode=os.RTLD_NOW | os.RTLD_NOLOAD)
    except (ImportError, OSError):
        return []  # not within reach
    if hasattr(library, "gnutls_rnd_refresh"):  # these draw from the kernel anew
        return [lambda _: library.gnutls_rnd_refresh()]
    for name, kind, much in (
        ("RAND_add", ctypes.c_double, 32.0),
        ("gcry_random_add_bytes", ctypes.c_int, 100),
    ):
        add = getattr(library, name, None)
        if add is not None:
            add.argtypes = [ctypes.c_char_p, ctypes.c_int, kind]
            add.restype = None
            return [lambda seed, add=add, much=much: add(seed, len(seed), much)]  # type: ignore[misc]
    return []  # only of that name


def _reseed_sqlite(module: Any) -> Callable[[bytes], None]:
    """It has one for all connections. Asked for no numbers, it seeds that from the kernel for the next one.

    https://sqlite.org/c3ref/randomness.html
    """
    try:
        import ctypes  # only for those who use SQLite

        library = ctypes.CDLL(module.origin if module.has_location else None)
        draw = library.sqlite3_randomness
    except (ImportError, OSError, AttributeError):
        return lambda _: None  # hidden within an interpreter of one piece: audits tell
    draw.argtypes = [ctypes.c_int, ctypes.c_void_p]
    draw.restype = None
    return lambda _: draw(0, None)
