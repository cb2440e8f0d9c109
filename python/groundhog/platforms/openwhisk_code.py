"""What OpenWhisk's ``/init`` carries, turned into a function.

It is source text, or base64 of an executable or of a zip or tar archive.
"""

from __future__ import annotations

import base64
import binascii
import io
import json
import re
import stat
import tarfile
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from groundhog.config import MIB, Function
from groundhog.errors import ConfigError

Runtime = Literal["python", "nodejs", "command"]
CODE_LIMIT = 48 * MIB
"""Largest action, decoded: OpenWhisk's own limit."""
UNPACKED_LIMIT = 1024 * MIB
_IDENTIFIER = re.compile(r"[A-Za-z_$][\w$]*", re.ASCII)
_SOURCE_NAMES: dict[Runtime, str] = {"python": "__main__.py", "nodejs": "index.js", "command": "exec"}


@dataclass(frozen=True, slots=True)
class Action:
    """The ``value`` of an ``/init``; `parse` makes it."""

    code: str
    name: str
    main: str | None
    binary: bool
    env: dict[str, str]


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
        env={name: item if isinstance(item, str) else json.dumps(item) for name, item in env.items()},
    )


def function(action: Action, runtime: Runtime, directory: Path) -> Function:
    """Lay the action's code out in an empty directory and return the function in it.

    Raises:
        ConfigError: it is no code that this runtime can load; the message says why.
    """
    if action.binary:
        _unpack(_decode(action.code), directory, _SOURCE_NAMES[runtime])
    else:
        code = action.code + (_exporting(action.main) if runtime == "nodejs" else "")
        (directory / _SOURCE_NAMES[runtime]).write_text(code, "utf-8", "replace")
    if runtime == "command":
        program = directory / "exec"
        if not program.is_file():
            raise ConfigError("the archive has no file exec at its top: that is the program that is run")
        program.chmod(0o755)
        return Function.from_command([program], env=action.env, cwd=directory, name=action.name)
    source = directory / _SOURCE_NAMES[runtime]
    target = source if runtime == "python" else directory
    if runtime == "python" and not source.is_file():
        raise ConfigError("the archive has no file __main__.py at its top: that is the module that is loaded")
    made = Function.from_file(target, action.main or "main", env=action.env, cwd=directory)
    return replace(made, name=action.name)  # its file has the name of a temporary directory


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


def _unpack(data: bytes, directory: Path, single: str) -> None:
    """Unpack an archive; what is none is one file, such as a compiled program."""
    try:
        if data.startswith(b"PK\x03\x04"):
            _unpack_zip(data, directory)
        elif tarfile.is_tarfile(io.BytesIO(data)):
            _unpack_tar(data, directory)
        else:
            (directory / single).write_bytes(data)
    except (
        zipfile.BadZipFile,
        tarfile.TarError,
        EOFError,
        OSError,
        NotImplementedError,
        RuntimeError,
    ) as error:
        raise ConfigError(f"the action's archive cannot be unpacked: {error}") from None


def _check_size(size: int) -> None:
    if size > UNPACKED_LIMIT:
        raise ConfigError(f"the action unpacks to {size} bytes, more than the limit of {UNPACKED_LIMIT}")


def _unpack_zip(data: bytes, directory: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        _check_size(sum(item.file_size for item in archive.infolist()))
        for item in archive.infolist():
            path = PurePosixPath(item.filename)
            if path.is_absolute() or ".." in path.parts:
                raise ConfigError(
                    f"the action's archive has the path {item.filename!r}, outside of the action"
                )
            mode = item.external_attr >> 16
            if stat.S_ISLNK(mode):
                _link(archive.read(item).decode(), directory, path)
                continue
            archive.extract(item, directory)
            # zipfile drops the permissions; a program in the archive must stay executable.
            if mode & 0o111 and not item.is_dir():
                (directory / path).chmod(0o755)


def _link(target: str, directory: Path, path: PurePosixPath) -> None:
    where = directory / path
    inside = (where.parent / target).resolve().is_relative_to(directory.resolve())
    if PurePosixPath(target).is_absolute() or not inside:
        raise ConfigError(
            f"the action's archive has the link {str(path)!r} to {target!r}, outside of the action"
        )
    where.parent.mkdir(parents=True, exist_ok=True)
    where.symlink_to(target)


def _unpack_tar(data: bytes, directory: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        _check_size(sum(item.size for item in archive.getmembers()))
        # The filter refuses absolute paths, links that lead outside, and devices.
        archive.extractall(directory, filter="data")
