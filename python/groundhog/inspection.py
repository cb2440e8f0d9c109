"""What can be told about a Python handler without running it."""

from __future__ import annotations

import ast
import symtable
import warnings
from typing import TYPE_CHECKING

from groundhog.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_SHOWN = 8
_LONGEST = 64 * 1024
"""A tree takes hundreds of times the memory of its source, and that may be a stranger's. Nobody else runs
while it is made. Up to Python 3.11 that takes the square of an f-string's length: half a second for this, for
a mebibyte minutes.
"""
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
_DYNAMIC = frozenset({"globals", "exec", "eval", "vars", "setattr", "__import__", "modules"})


def python_entry(file: Path, entry: str | None, defaults: Sequence[str], *, check: bool = True) -> str | None:
    """The entry to call in ``file``: the named one, or the first default that the file defines. None if no
    entry is named and the source cannot tell: then the process will.

    Raises ConfigError for a file that does not compile, and for an entry that is certainly not defined.
    With ``check=False`` nothing is read.
    """
    if not check:
        return entry
    names = _top_level_names(file)
    if names is None:
        return entry
    wanted = defaults if entry is None else (entry,)
    found = next((name for name in wanted if name.partition(".")[0] in names), None)
    if found is None:
        msg = f"{file.name} defines no {' and no '.join(map(repr, wanted))} at its top level"
        public = sorted(name for name in names if not name.startswith("_"))
        if public:
            msg += f"; it has: {', '.join(public[:_SHOWN])}{', ...' if len(public) > _SHOWN else ''}"
        raise ConfigError(msg)
    return found


def _top_level_names(file: Path) -> frozenset[str] | None:
    """The names that the module binds, or None when the source cannot tell."""
    try:
        with file.open("rb") as opened:
            source = opened.read(_LONGEST + 1)
        if len(source) > _LONGEST:
            return None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the function's warnings are shown where it runs
            tree = ast.parse(source, str(file))
            _check_beyond_parsing(source, str(file), tree)
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}") from None
    except SyntaxError as error:
        where = f"{file.name}, line {error.lineno}" if error.lineno else file.name
        raise ConfigError(f"{type(error).__name__}: {error.msg} ({where})") from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise ConfigError(f"{file.name} is not Python source: {error}") from None
    if _is_dynamic(tree):
        return None
    names = {name for node in _module_scope(tree) for name in _bound_by(node)}
    # A function may bind these when it is called at import.
    names.update(name for node in ast.walk(tree) if isinstance(node, ast.Global) for name in node.names)
    return frozenset(names)


def _check_beyond_parsing(source: bytes, file: str, tree: ast.AST) -> None:
    """Raise SyntaxError for what only the compiler finds, or some of it, where compiling may take no end.

    What is behind ``finally`` is compiled once for each way that leads there: of a few lines in one another
    become gigabytes.
    """
    if any(getattr(node, "finalbody", None) for node in ast.walk(tree)):
        symtable.symtable(source, file, "exec")  # type: ignore[arg-type]  # decodes it, as compile does
    else:
        compile(source, file, "exec", dont_inherit=True)


def _bound_by(node: ast.AST) -> Iterator[str]:
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        yield node.name
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        yield node.id
    elif isinstance(node, (ast.Import, ast.ImportFrom)):
        yield from ((alias.asname or alias.name).partition(".")[0] for alias in node.names)
    elif isinstance(node, (ast.MatchAs, ast.MatchStar)) and node.name:
        yield node.name
    elif isinstance(node, ast.MatchMapping) and node.rest:
        yield node.rest


def _module_scope(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node outside the bodies of functions, classes and lambdas.

    A tree may be deeper than what Python calls: each ``elif`` lies in the one before, each term of a sum too.
    """
    left = [tree]
    while left:
        for child in ast.iter_child_nodes(left.pop()):
            yield child
            if not isinstance(child, _SCOPES):
                left.append(child)


def _is_dynamic(tree: ast.AST) -> bool:
    """Whether names may be bound in ways that no reader of the source can tell."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in _DYNAMIC:
            return True
        if isinstance(node, ast.Attribute) and node.attr in _DYNAMIC:
            return True
        if isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
            return True
        if isinstance(node, ast.FunctionDef) and node.name == "__getattr__":
            return True
    return False
