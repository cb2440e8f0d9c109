"""Draw from every random number generator of this process: an audit compares what restored requests got.

A launcher loads this for one control line, in a request that is reverted like all others: it may dirty what
it likes, and draw from what is not its own. Standard library only. Nothing is imported in order to be drawn
from: what is not loaded has no state that could come back.
"""

from __future__ import annotations

import gc
import itertools
import sys
import types

TYPE_CHECKING = False
if TYPE_CHECKING:  # the module typing is not loaded into the function process
    from collections.abc import Callable, Iterator
    from typing import Any

MAX_DRAWN = 100
MAX_LOOKED_AT = 1_000_000
"""Where the search for names ends: about a second."""

KNOWN: tuple[tuple[str, str, Callable[[Any], Any]], ...] = (
    ("os.urandom", "os", lambda its: its.urandom(16).hex()),
    ("random.random", "random", lambda its: its.random()),
    ("random.gauss", "random", lambda its: its.gauss(0, 1)),
    ("secrets.token_hex", "secrets", lambda its: its.token_hex(16)),
    ("uuid.uuid1", "uuid", lambda its: its.uuid1()),
    ("uuid.uuid4", "uuid", lambda its: its.uuid4()),
    ("names of tempfile", "tempfile", lambda its: next(its._get_candidate_names())),  # noqa: SLF001
    ("ssl.RAND_bytes", "ssl", lambda its: its.RAND_bytes(16).hex()),
    (
        "random() of SQLite",
        "sqlite3",
        lambda its: its.connect(":memory:").execute("SELECT random()").fetchone()[0],
    ),
    ("numpy.random.random", "numpy.random", lambda its: its.random()),
    ("numpy.random.normal", "numpy.random", lambda its: its.normal()),
    ("ids of bson", "bson.objectid", lambda its: its.ObjectId()),
    (  # what it has of OpenSSL is its own, whichever kind of key is made
        "private keys of cryptography",
        "cryptography.hazmat.bindings._rust",
        lambda its: its.openssl.ed25519.generate_key().private_bytes_raw().hex(),
    ),
)
"""Name, module, how to draw. None may repeat: launchers seed them, they ask the kernel, or they make keys."""

KINDS: tuple[tuple[str, str, Callable[[Any], Any] | None], ...] = (
    ("random", "SystemRandom", None),  # the kernel's
    ("random", "Random", lambda it: (it.random(), it.random())),
    ("_random", "Random", lambda it: (it.random(), it.random())),
    ("numpy.random", "Generator", lambda it: it.bytes(16).hex()),
    ("numpy.random", "RandomState", lambda it: it.bytes(16).hex()),
    ("numpy.random", "BitGenerator", lambda it: it.random_raw(2).tolist()),
    ("torch", "Generator", lambda it: sys.modules["torch"].rand(4, generator=it, device=it.device).tolist()),
)
"""Module, class, how to draw from its instances and those of its subclasses, unless they stand further up."""

ATOMS = frozenset(map(id, (str, int, float, bytes, bool, type(None), types.CodeType)))
"""The ids of types that hold nothing: classes of others may have no hash."""


def draw() -> dict[str, Any]:
    """What each known generator gives, what each that belongs to the function or to a library does, and why
    some gave nothing.
    """
    drawn: dict[str, str] = {}
    refused: dict[str, str] = {}
    for name, module, give in KNOWN:
        its = sys.modules.get(module)
        if its is not None:
            outcome, value = _outcome(give, its)
            (drawn if outcome == "drawn" else refused)[name] = value
    collecting = gc.isenabled()
    gc.disable()
    gc.unfreeze()  # what is frozen is in no list
    try:
        private, notes = _private()
    finally:
        gc.freeze()
        if collecting:
            gc.enable()
    return {"drawn": drawn, "refused": refused, "private": private, "notes": notes}


def _outcome(give: Callable[[Any], Any], its: Any) -> tuple[str, str]:
    try:
        return "drawn", str(give(its))
    except Exception as error:  # noqa: BLE001 - code of others may raise anything, and the rest is to be drawn
        return "refused", f"{type(error).__name__}: {error}"


def _private() -> tuple[list[dict[str, str]], list[str]]:
    found = find()
    names, complete = places({id(its): its for its, _ in found})
    notes = []
    if len(found) > MAX_DRAWN:
        notes.append(f"{len(found)} private generators were found, and {MAX_DRAWN} of them drawn from")
        # Those with a name of their own first: they can be mended.
        found = sorted(found, key=lambda pair: "[...]" in names.get(id(pair[0]), "[...]"))[:MAX_DRAWN]
    if not complete:
        notes.append(f"the search for names of private generators ended after {MAX_LOOKED_AT} objects")
    listed = []
    for its, give in found:
        outcome, value = _outcome(give, its)
        listed.append({"where": names.get(id(its), ""), "what": _kind(type(its)), outcome: value})
    return listed, notes


def _kind(its: type) -> str:
    """The name of a class as one that may be imported."""
    module = str(its.__module__)
    public = [part for part in module.split(".") if not part.startswith("_")]
    return ".".join([*(public or [module]), its.__qualname__])


def find() -> list[tuple[Any, Callable[[Any], Any]]]:
    """All instances of `KINDS`, with how to draw from each, less those within `KNOWN` or within one another.

    The collector knows the objects that can hold others: what it knows, and what that holds, is all there is.
    """
    ways = _classes()
    if not ways:
        return []
    tracked = gc.get_objects()
    held = gc.get_referents(*tracked)
    by_id = {id(its): its for its in itertools.chain(tracked, held) if id(type(its)) in ways}
    del tracked, held
    pairs = [(its, give) for its in by_id.values() if (give := ways[id(type(its))]) is not None]
    cared_for = _reseeded()
    for its, _ in pairs:
        inner = _attribute(its, "bit_generator") or _attribute(its, "_bit_generator")
        cared_for.add(id(inner))  # numpy: its owner is drawn from
    return [(its, give) for its, give in pairs if id(its) not in cared_for]


def _classes() -> dict[int, Callable[[Any], Any] | None]:
    """The classes of `KINDS` and all that derive from them, by id."""
    ways: dict[int, Callable[[Any], Any] | None] = {}
    for module, name, give in KINDS:
        its = vars(sys.modules[module]).get(name) if module in sys.modules else None
        rest = [its] if isinstance(its, type) else []
        while rest:
            its = rest.pop()
            if id(its) not in ways:
                ways[id(its)] = give
                rest += type.__subclasses__(its)
    return ways


def _reseeded() -> set[int]:
    """The instances within `KNOWN`, by id."""
    loaded = sys.modules.get
    legacy = _attribute(loaded("numpy.random.mtrand"), "_rand")
    instances = (
        _attribute(loaded("random"), "_inst"),
        _attribute(_attribute(loaded("tempfile"), "_name_sequence"), "_rng"),
        legacy,
        _attribute(legacy, "_bit_generator"),
    )
    return set(map(id, instances))


def _attribute(its: Any, name: str) -> Any:
    try:
        return getattr(its, name, None)
    except Exception:  # noqa: BLE001 - a property of somebody else's subclass
        return None


def places(wanted: dict[int, Any]) -> tuple[dict[int, str], bool]:
    """The shortest way from a module to each of these objects, by id, as far as there is one, and whether all
    ways were followed.
    """
    names: dict[int, str] = {}
    loaded: dict[str, Any] = dict(sys.modules)  # some put other things there
    # The standard library last: it refers to much of what belongs to others.
    roots = sorted(
        ((name, its) for name, its in loaded.items() if isinstance(its, types.ModuleType)),
        key=lambda root: root[0].partition(".")[0] in sys.stdlib_module_names,
    )
    seen = {id(its) for _, its in roots} | {id(vars(its)) for _, its in roots}
    looked_at = 0
    for way, its in roots:  # grows meanwhile, and keeps what it holds alive: no id is used twice
        if len(names) == len(wanted):
            break
        for step, child in _members(its):
            looked_at += 1
            if looked_at > MAX_LOOKED_AT:
                return names, False
            if id(type(child)) in ATOMS or id(child) in seen:
                continue
            seen.add(id(child))
            roots.append((way + step, child))
            if id(child) in wanted:
                names[id(child)] = way + step
    return names, True


def _members(its: Any) -> Iterator[tuple[str, Any]]:
    """What an object holds, and how one gets there from it. As good as no code of its class is run."""
    kind = type(its)
    if issubclass(kind, dict):
        yield from (
            (f"[{key!r}]" if type(key) is str or type(key) is int else "[...]", value)
            for key, value in dict.items(its)
        )
    elif issubclass(kind, (list, tuple)):
        items = list.__iter__(its) if issubclass(kind, list) else tuple.__iter__(its)
        yield from ((f"[{at}]", value) for at, value in enumerate(items))
    elif kind is types.FunctionType:
        yield from _of_function(its)
    elif kind is types.BuiltinFunctionType:
        yield ".__self__", its.__self__
    if (
        kind is not dict and kind is not list and kind is not tuple
    ):  # most objects are one of those, and that was all of them
        yield from _attributes(its, kind)
        yield from (("[...]", child) for child in gc.get_referents(its))


def _of_function(its: types.FunctionType) -> Iterator[tuple[str, Any]]:
    code = its.__code__
    for name, cell in zip(code.co_freevars, its.__closure__ or (), strict=True):
        yield from ((f", variable {name}", held) for held in gc.get_referents(cell))
    defaults = its.__defaults__ or ()
    positional = code.co_varnames[: code.co_argcount]
    with_default = positional[len(positional) - len(defaults) :]
    yield from ((f", parameter {name}", held) for name, held in zip(with_default, defaults, strict=True))
    yield from ((f", parameter {name}", held) for name, held in (its.__kwdefaults__ or {}).items())


def _attributes(its: Any, kind: type) -> Iterator[tuple[str, Any]]:
    """Those in its dictionary, and those in slots."""
    its_own = type.__getattribute__ if issubclass(kind, type) else object.__getattribute__
    try:
        own = list(its_own(its, "__dict__").items())
    except Exception:  # noqa: BLE001 - it has none, or one of its own making
        own = []
    yield from ((f".{name}", value) for name, value in own)
    for name, slot in _slots(kind):
        try:
            yield f".{name}", slot.__get__(its)
        except AttributeError:  # noqa: PERF203 - it is empty
            continue


_slots_of: dict[int, tuple[type, list[tuple[str, Any]]]] = {}


def _slots(kind: type) -> list[tuple[str, Any]]:
    if id(kind) not in _slots_of:
        members = (member for base in type.mro(kind) for member in vars(base).items())
        slots = [(name, its) for name, its in members if type(its) is types.MemberDescriptorType]
        _slots_of[id(kind)] = kind, slots
    return _slots_of[id(kind)][1]
