"""What OpenWhisk's ``/init`` carries, turned into a function.

It is source text, or base64 of an executable or of a zip or tar archive.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from groundhog.archives.order import ArchiveLimits
from groundhog.archives.tree import VIRTUALENV
from groundhog.archives.unpacker import Unpacker
from groundhog.config import MIB, Function
from groundhog.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

Runtime = Literal["python", "nodejs", "command"]
CODE_LIMIT = 48 * MIB
"""Largest action, decoded: OpenWhisk's own limit."""
UNPACKED_LIMIT = 1024 * MIB
_IDENTIFIER = re.compile(r"[A-Za-z_$][\w$]*", re.ASCII)
_PACKAGES = ("package.json", "index.js")
_SOURCE_NAMES: dict[Runtime, str] = {"python": "__main__.py", "nodejs": "index.js", "command": "exec"}


@dataclass(frozen=True, slots=True)
class Action:
    """The ``value`` of an ``/init``; `parse` makes it."""

    code: str
    name: str
    main: str | None
    binary: bool
    env: dict[str, Any]
    """As JSON has it: how it is exported is the runtime's to say."""


def parse(value: Any) -> Action | None:
    """Read the ``value`` of an ``/init``; ``None`` if there is no code in it.

    Raises:
        ConfigError: a member is of the wrong type.
    """
    if not isinstance(value, dict) or not value.get("code"):
        return None
    code, main, env = value["code"], value.get("main") or None, value.get("env")
    env = {} if env is None else env
    if not isinstance(code, str):
        raise ConfigError("the action's code must be a string")
    if main is not None and not isinstance(main, str):
        raise ConfigError("the action's main must be a string")
    if not isinstance(env, dict):
        raise ConfigError("the action's env must be an object")
    return Action(
        code=code,
        # It becomes an argument of the launcher, which cannot hold everything that JSON can.
        name=str(value.get("name") or "action")[:256].encode("utf-8", "replace").decode().replace("\0", ""),
        main=main,
        binary=value.get("binary") is True,
        env=env,
    )


def function(action: Action, runtime: Runtime, directory: Path, unpacker: Unpacker | None = None) -> Function:
    """Lay the action's code out in an empty directory and return the function in it.

    The code becomes the function's user's, whom the unpacker knows.

    Raises:
        ConfigError: it is no code that this runtime can load; the message says why. Of an archive that cannot
            be unpacked nothing is in the directory then.
        UnsupportedError: archives cannot be unpacked safely on this machine.
    """
    unpacker = unpacker or Unpacker()
    env = {name: _exported(item, runtime) for name, item in action.env.items()}
    source = directory / _SOURCE_NAMES[runtime]
    if action.binary:
        unpacker.unpack(
            _decode(action.code),
            directory,
            source.name,
            program=source.name if runtime == "command" else None,
            limits=ArchiveLimits(bytes=UNPACKED_LIMIT),
        )
    else:
        code = action.code + (_exporting(action.main) if runtime == "nodejs" else "")
        _write(source, code.encode("utf-8", "replace"), 0o755 if runtime == "command" else 0o644)
        unpacker.hand_over(source, directory)
    if runtime == "command":
        if not source.is_file():
            raise ConfigError("the archive has no file exec at its top: that is the program that is run")
        return Function.from_command([source], env=env, cwd=directory, name=action.name)
    target, main = source if runtime == "python" else directory, action.main or "main"
    if runtime == "nodejs" and action.binary:
        target, main = _named_file(directory, main)
        if target == directory and not any((directory / name).is_file() for name in _PACKAGES):
            raise ConfigError("Zipped actions must contain either package.json or index.js at the root.")
    if runtime == "python" and action.binary:
        _take_exec_for_main(directory, source)
    if runtime == "python" and not source.is_file():
        raise ConfigError(
            "Zip file does not include __main__.py at its top: that is the module that is loaded"
        )
    if runtime == "nodejs":
        env["GROUNDHOG_OPENWHISK"] = "1"
    environment = directory / VIRTUALENV
    if runtime == "python" and environment.is_dir() and not environment.is_symlink():
        env["GROUNDHOG_VIRTUALENV"] = str(environment)
    made = Function.from_file(target, main, env=env, cwd=directory)
    return replace(made, name=action.name)  # its file has the name of a temporary directory


def _take_exec_for_main(directory: Path, source: Path) -> None:
    """An archive's module may be called ``exec``, as the platform's own runtime has it."""
    program = directory / "exec"
    if program.is_file() and not program.is_symlink():
        program.replace(source)


def _exported(item: Any, runtime: Runtime) -> str:
    """Return an environment variable's text, as the platform's own runtime makes it."""
    if isinstance(item, str):
        return item
    if runtime == "nodejs" and not isinstance(item, (dict, list)) and not item:
        return ""
    if isinstance(item, float) and item.is_integer():
        item = int(item)
    text = json.dumps(item, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "backslashreplace").decode()  # halves of surrogate pairs


def _named_file(directory: Path, main: str) -> tuple[Path, str]:
    """Return where an archive's function for Node is, and its name there: ``main`` may be ``FILE.FUNCTION``,
    as Node would load that file, and is a function of the whole package otherwise.
    """
    name, _, rest = main.partition(".")
    named = directory / name.lstrip("/")
    candidates = (named, *(named.with_name(named.name + suffix) for suffix in (".js", ".cjs", ".mjs")))
    found = next((path for path in candidates if rest and named != directory and path.exists()), None)
    return (found, rest) if found else (directory, main)


def _write(path: Path, data: bytes, mode: int) -> None:
    try:
        with open(path, "xb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
            file.write(data)
    except OSError as error:
        raise ConfigError(f"the action's code cannot be written to {path}: {error.strerror}") from None


def _exporting(main: str | None) -> str:
    """Return code that exports a function which the source only defines, as OpenWhisk's actions do."""
    name = main or "main"
    if not _IDENTIFIER.fullmatch(name):
        return ""
    return f"\n;if (typeof {name} === 'function' && !module.exports.{name}) module.exports.{name} = {name};\n"


def _decode(code: str) -> bytes:
    try:
        data = base64.b64decode(code, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ConfigError(f"the action is said to be binary, but is not base64: {error}") from None
    if len(data) > CODE_LIMIT:
        raise ConfigError(f"the action has {len(data)} bytes, more than the limit of {CODE_LIMIT}")
    return data
