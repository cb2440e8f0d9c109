"""What the user decides: the function, the isolation, the limits. Frozen, and checked before any process
starts.
"""

from __future__ import annotations

import json
import math
import os
import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from enum import Enum
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from groundhog import inspection
from groundhog.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Kind = Literal["python", "nodejs", "command"]
Ack = Literal["auto", "require", "none"]
Protocol = Literal["actionloop", "runtime-api", "http"]
PROTOCOLS: tuple[Protocol, ...] = ("actionloop", "runtime-api", "http")
JsonValue = Any
"""What ``json.loads`` may return; the recursive type would help nobody here."""

MIB = 1024 * 1024
_LONGEST_PACKAGE = MIB
"""What is read of a ``package.json``, which may be a stranger's."""

_KINDS_BY_SUFFIX: dict[str, Kind] = {".py": "python", ".js": "nodejs", ".mjs": "nodejs", ".cjs": "nodejs"}
_ENTRY = re.compile(r"[A-Za-z_$][\w$]*(\.[A-Za-z_$][\w$]*)*")
DEFAULT_ENTRIES = ("main", "handler")
"""What is called if nobody names an entry: the first of them that there is."""


class Isolation(str, Enum):
    """When a function process is reverted to its snapshot."""

    REQUEST = "request"
    """After every request."""
    DOMAIN = "domain"
    """Before it serves another trust domain than the last one."""
    OFF = "off"
    """Never: only to compare with."""

    def __str__(self) -> str:
        return self.value

    @classmethod
    def parse(cls, value: str | Isolation) -> Isolation:
        """The member of that name; ConfigError when there is none."""
        return _parse(cls, value, "isolation")


class Jail(str, Enum):
    """What keeps a function process from leaving files behind, and from reaching other processes."""

    AUTO = "auto"
    """The first of the following two that works here; none does: UnsupportedError."""
    NAMESPACE = "namespace"
    """It writes to private folders laid over those of the machine, which are reverted with it."""
    LANDLOCK = "landlock"
    """It writes to a folder of its own, ``TMPDIR``, and to no other."""
    NONE = "none"
    """It writes what its user may write, and leaves it there."""

    def __str__(self) -> str:
        return self.value

    @classmethod
    def parse(cls, value: str | Jail) -> Jail:
        """The member of that name; ConfigError when there is none."""
        return _parse(cls, value, "jail")


class Network(str, Enum):
    """What a function process can reach."""

    HOST = "host"
    """What the machine reaches."""
    NONE = "none"
    """Itself, over a loopback interface of its own; with the jail ``namespace`` only."""

    def __str__(self) -> str:
        return self.value

    @classmethod
    def parse(cls, value: str | Network) -> Network:
        """The member of that name; ConfigError when there is none."""
        return _parse(cls, value, "network")


class Connections(str, Enum):
    """What becomes of a connection that is older than a request which used it, and of its process.

    Its server knows of that request, so nobody can put it back to where it was.
    """

    AUTO = "auto"
    """What the rehearsal shows: the process is replaced, unless the warm-up or a hook has used that
    connection, and the warm-up was answered as well with it shut down.
    """
    SHUT = "shut"
    """It is shut down, and the process serves on: for functions that connect again by themselves."""
    REPLACE = "replace"
    """The process serves no further request; another one, started ahead, takes its place."""

    def __str__(self) -> str:
        return self.value

    @classmethod
    def parse(cls, value: str | Connections) -> Connections:
        """The member of that name; ConfigError when there is none."""
        return _parse(cls, value, "way with connections")


class Hooks(str, Enum):
    """When the hooks of a function for the moment after a restore run."""

    LAZY = "lazy"
    """When the next request comes, on its time."""
    EAGER = "eager"
    """At once, while nobody waits for it: also if no request follows."""

    def __str__(self) -> str:
        return self.value

    @classmethod
    def parse(cls, value: str | Hooks) -> Hooks:
        """The member of that name; ConfigError when there is none."""
        return _parse(cls, value, "time of hooks")


_Named = TypeVar("_Named", Isolation, Jail, Network, Connections, Hooks)


def _parse(kind: type[_Named], value: str, what: str) -> _Named:
    try:
        return kind(value)
    except ValueError:
        names = ", ".join(member.value for member in kind)
        raise ConfigError(f"unknown {what} {str(value)!r}: choose one of {names}") from None


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what one request, and one pool, may take. Times in seconds, sizes in bytes."""

    timeout_s: float = 60.0
    """From handing the request to the function until its complete answer; then the process is killed."""
    request_bytes: int = 64 * MIB
    """Largest encoded request."""
    result_bytes: int = 64 * MIB
    """Largest answer line."""
    log_bytes: int = 10 * MIB
    """Kept of stdout, and of stderr, per request; the rest is dropped behind a marker line."""
    queue_length: int = 1024
    """Requests that may wait for a worker; one more raises OverloadedError."""
    start_timeout_s: float = 60.0
    """From spawning a process until its code is loaded, and for each warm-up request."""
    hooks_timeout_s: float = 10.0
    """For all of a function's hooks after a restore, within ``timeout_s``; then the process is killed."""
    restore_timeout_s: float = 10.0
    """For one restore; then the process is killed and replaced."""
    scratch_bytes: int = 512 * MIB
    """What a function process may have written to its private folders at any time (jail "namespace")."""
    scratch_files: int = 10_000
    """How many files it may have written there."""
    tasks: int = 1024
    """Threads and descendants that a function process may have at a time; with more it is killed."""
    domain_idle_s: float = 0.05
    """With isolation "domain": how long an idle worker waits for its own domain before it is restored."""

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
                raise ConfigError(f"limit {item.name} must be a finite number, not {value!r}")
            if value < 0 or (value == 0 and item.name not in {"queue_length", "log_bytes", "domain_idle_s"}):
                raise ConfigError(f"limit {item.name} must be positive, not {value!r}")


@dataclass(frozen=True, slots=True)
class Timings:
    """Where the time of one request went; seconds."""

    queue_s: float
    """From `Pool.invoke` until a worker took the request."""
    run_s: float
    """From the first byte written to the function until its answer was complete."""
    restore_s: float | None = None
    """The restore that made this worker clean for this request; None if none was needed."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What the function answered to one request."""

    raw: bytes
    """The answer as it came, JSON in UTF-8 without the newline: a front end can pass it on unencoded."""
    stdout: str
    """What it printed during the request, bounded by ``Limits.log_bytes``."""
    stderr: str
    timings: Timings
    raised: bool = False
    """The function raised, and the answer is what was raised; known of our launchers and helpers."""
    failed: bool = False
    """The answer is an object with the one member ``error``: how exceptions are reported."""
    decode: Callable[[bytes], JsonValue] = field(default=json.loads, repr=False, compare=False)
    """Makes the value of ``raw``."""
    _made: list[JsonValue] = field(default_factory=list, init=False, repr=False, compare=False)

    @property
    def value(self) -> JsonValue:
        """The answer: an object or an array. It is made when it is first asked for, once."""
        if not self._made:
            self._made.append(self.decode(self.raw))
        return self._made[0]


@dataclass(frozen=True, slots=True)
class Function:
    """A function and how to run it. Make one with `from_file`, `from_command` or `from_target`."""

    kind: Kind
    name: str
    path: Path | None = None
    entry: str | None = None
    """The function in the file; None if only the process can tell which of `DEFAULT_ENTRIES` there is."""
    argv: tuple[str, ...] = ()
    warmup: tuple[JsonValue, ...] = ()
    env: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    inherit_env: bool = True
    cwd: Path | None = None
    ack: Ack = "require"
    interpreter: tuple[str, ...] = ()
    protocol: Protocol = "actionloop"
    """How the process is spoken to."""

    @classmethod
    def from_file(
        cls,
        path: str | os.PathLike[str],
        entry: str | None = None,
        warmup: Sequence[JsonValue] = (),
        env: Mapping[str, str] | None = None,
        *,
        inherit_env: bool = True,
        cwd: str | os.PathLike[str] | None = None,
        interpreter: Sequence[str] = (),
    ) -> Function:
        """A Python or Node function in a file, or in a directory that holds a package of one.

        ``entry`` names the function in it; by default ``main``, and if there is none, ``handler``. A
        directory is a Python package if it has ``__main__.py``, a Node package if it has ``package.json`` or
        ``index.js``. ``warmup``: requests served before the snapshot. ``env``: variables added to the
        supervisor's environment, or all there are if not ``inherit_env``. ``interpreter``: the command that
        runs it instead of this Python, or of ``node``. Raises ConfigError, which names what is wrong.
        """
        if path == "":
            raise ConfigError("the target is empty: name the function's file")
        file = _source_file(_checked_path(path, "the function's file"))
        kind = _kind_of(file)
        if entry is not None:
            _check_entry(entry)
        if kind == "python":
            # Another interpreter may know another syntax: then only it can tell.
            entry = inspection.python_entry(file, entry, DEFAULT_ENTRIES, check=not interpreter)
        if kind == "nodejs" and not interpreter and shutil.which("node") is None:
            raise ConfigError(f"{file} needs Node.js, but there is no 'node' in PATH")
        return cls(
            kind=kind,
            name=file.parent.name if file.stem in {"__main__", "index"} else file.stem,
            path=file,
            entry=entry,
            warmup=_checked_warmup(warmup),
            env=_checked_env(env),
            inherit_env=inherit_env,
            cwd=_checked_cwd(cwd),
            interpreter=_checked_words(interpreter, "the interpreter"),
        )

    @classmethod
    def from_command(
        cls,
        argv: Sequence[str | os.PathLike[str]],
        warmup: Sequence[JsonValue] = (),
        env: Mapping[str, str] | None = None,
        *,
        inherit_env: bool = True,
        cwd: str | os.PathLike[str] | None = None,
        ack: Ack = "auto",
        name: str | None = None,
        protocol: Protocol = "actionloop",
    ) -> Function:
        """Any program that speaks ActionLoop: a request line on stdin, an answer line on file descriptor 3.

        Or, with ``protocol="runtime-api"``, a client of AWS Lambda's Runtime API, which it finds by
        ``AWS_LAMBDA_RUNTIME_API`` in its environment; it has loaded when it asks for its first event. Or,
        with ``protocol="http"``, a server of HTTP, which is to listen at the port in ``PORT`` of its
        environment; the text ``$PORT`` in the command stands for that, too. It has loaded when it listens.
        Requests and answers are objects then, see `groundhog.protocols.http_message`.

        ``ack`` says how to know that it has loaded: ``"require"``: it writes ``{"ok": true}`` to descriptor 3
        first, since ``OW_WAIT_FOR_ACK`` is set; ``"auto"``: that, or it blocks in reading its first request,
        whichever comes first; ``"none"``: it does neither in a visible way, so its answer to the first
        warm-up request, which must be given then, tells. Raises ConfigError, which names what is wrong.
        """
        words = _checked_words(argv, "the command")
        if not words or not words[0]:
            raise ConfigError("the command is empty: give a program and its arguments")
        if any("\0" in word for word in words):
            raise ConfigError(f"the command {words[0]!r} has a NUL character in an argument")
        if protocol not in PROTOCOLS:
            raise ConfigError(f"unknown protocol {protocol!r}: choose one of {', '.join(PROTOCOLS)}")
        if ack not in {"auto", "require", "none"}:
            raise ConfigError(f"unknown ack {ack!r}: choose one of auto, require, none")
        if ack == "none" and not warmup:
            raise ConfigError(
                f"command {words[0]!r} with ack='none' needs a warm-up request, to tell when it has loaded"
            )
        directory = _checked_cwd(cwd)
        return cls(
            kind="command",
            name=name or Path(words[0]).name,
            argv=(_program(words[0], directory), *words[1:]),
            warmup=_checked_warmup(warmup),
            env=_checked_env(env),
            inherit_env=inherit_env,
            cwd=directory,
            ack=ack if protocol == "actionloop" else "require",
            protocol=protocol,
        )

    @classmethod
    def from_target(
        cls,
        target: str | os.PathLike[str] | Sequence[str],
        *,
        warmup: Sequence[JsonValue] = (),
        env: Mapping[str, str] | None = None,
    ) -> Function:
        """What a command line names: ``handler.py[:main]``, ``handler.js[:main]``, or a command's words."""
        if isinstance(target, (str, os.PathLike)):
            path, entry = _split_target(os.fspath(target))
            return cls.from_file(path, entry, warmup, env)
        return cls.from_command(target, warmup, env)


def _split_target(target: str) -> tuple[str, str | None]:
    if Path(target).exists():
        return target, None
    path, colon, entry = target.rpartition(":")
    return (path, entry) if colon and path else (target, None)


def _source_file(path: Path) -> Path:
    if path.is_dir():
        for name in ("__main__.py", "package.json", "index.js"):
            if (path / name).is_file():
                return _node_main(path) if name == "package.json" else (path / name).absolute()
        raise ConfigError(
            f"{path} is a directory without __main__.py, package.json or index.js: name the function's file"
        )
    if not path.exists():
        raise ConfigError(f"no such file: {path}")
    if not path.is_file():
        raise ConfigError(f"{path} is not a regular file")
    return path.absolute()


def _node_main(directory: Path) -> Path:
    """The file that ``package.json`` names, as Node resolves it; ConfigError when there is none."""
    package = directory / "package.json"
    try:
        with package.open("rb") as file:
            parsed = json.loads(file.read(_LONGEST_PACKAGE))
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(f"{package} cannot be read: {error}") from None
    main = parsed.get("main") if isinstance(parsed, dict) else None
    name = main if isinstance(main, str) and main else "index.js"
    for candidate in (directory / name, directory / f"{name}.js", directory / name / "index.js"):
        if candidate.is_file():
            return candidate.absolute()
    raise ConfigError(f"{package} names {name!r} as its main file, but there is no such file")


def _kind_of(file: Path) -> Kind:
    kind = _KINDS_BY_SUFFIX.get(file.suffix)
    if kind is None:
        known = ", ".join(_KINDS_BY_SUFFIX)
        raise ConfigError(
            f"{file.name} is none of {known}: to run another program, give it as a command (after --)"
        )
    return kind


def _checked_path(path: Any, what: str) -> Path:
    try:
        return Path(path)
    except TypeError:
        raise ConfigError(f"{what} must be a path, not {path!r}") from None


def _checked_words(words: Any, what: str) -> tuple[str, ...]:
    try:
        checked = tuple(os.fspath(word) for word in words)
    except TypeError:
        checked = None
    # A text would be taken for the list of its letters.
    if checked is None or isinstance(words, str) or not all(isinstance(word, str) for word in checked):
        raise ConfigError(f"{what} must be a list of words, not {words!r}")
    return checked


def _check_entry(entry: Any) -> None:
    if not isinstance(entry, str) or not _ENTRY.fullmatch(entry):
        raise ConfigError(f"{entry!r} cannot be the name of a function")


def _checked_warmup(warmup: Any) -> tuple[JsonValue, ...]:
    if isinstance(warmup, (str, bytes, dict)) or not isinstance(warmup, Iterable):
        raise ConfigError(f"warmup must be a list of requests, not {type(warmup).__name__}")
    requests = tuple(warmup)
    for number, request in enumerate(requests, start=1):
        _check_json(request, f"warm-up request {number}")
    return requests


def _check_json(value: JsonValue, what: str) -> None:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise ConfigError(f"{what} is not JSON: {error}") from None


def _checked_env(env: Any) -> Mapping[str, str]:
    if env is not None and not isinstance(env, Mapping):
        raise ConfigError(f"env must map names to values, not be {env!r}")
    for name, value in (env or {}).items():
        if not isinstance(name, str) or not name or "=" in name or "\0" in name:
            raise ConfigError(f"{name!r} cannot be the name of an environment variable")
        if not isinstance(value, str) or "\0" in value:
            raise ConfigError(
                f"environment variable {name} must be a string without NUL characters, not {value!r}"
            )
    return MappingProxyType(dict(env or {}))


def _checked_cwd(cwd: str | os.PathLike[str] | None) -> Path | None:
    if cwd is None:
        return None
    path = _checked_path(cwd, "the working directory")
    if not path.is_dir():
        raise ConfigError(f"working directory {path} is not a directory")
    return path.absolute()


def _program(word: str, cwd: Path | None) -> str:
    """The program's path, found as a shell would find it; ConfigError when it is not there."""
    if "/" in word:
        path = (cwd or Path.cwd()) / word
        if not path.exists():
            raise ConfigError(f"no such program: {word}")
        if path.is_dir() or not os.access(path, os.X_OK):
            raise ConfigError(f"{word} is not an executable file")
        return str(path.absolute())
    found = shutil.which(word)
    if found is None:
        raise ConfigError(f"no such program in PATH: {word}")
    return found
