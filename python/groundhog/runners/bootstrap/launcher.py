"""Serve the requests of one Python function over ActionLoop: ``launcher.py FILE ENTRY[,ENTRY] NAME``.

Runs inside the function process: the standard library and what is beside this file, no more. One line of
JSON per request on stdin, one line per answer on descriptor 3. It reads and writes with bare system calls: a
buffered reader could hold a request back, and each buffer would be one more page to revert.
"""

# ruff: noqa: PTH113, PTH119, PTH120, PTH122, PTH123 - pathlib would be more memory to keep and to revert

from __future__ import annotations

import gc
import importlib.util
import json
import os
import sys
import time
import traceback
import types

TYPE_CHECKING = False
if TYPE_CHECKING:  # the module typing is not loaded into the function process
    from asyncio import AbstractEventLoop
    from collections.abc import Awaitable, Callable
    from typing import Any

ANSWER_FD = 3
FRESH = b"@"  # before a request: what its random numbers are to be made of, and what the answer has to repeat
SEED, TOKEN, REQUEST = slice(1, 81), slice(81, 113), 113
RAISED = b" "  # after an answer: that was raised, not returned
DONE = b" "  # before an answer: the hooks have run
EVENT_AND_CONTEXT = 2
CO_COROUTINE = 0x80  # of a code object's flags: the function is one by `async def`
CONTEXT_NAMES = ("context", "_context")
FIRST_READ = 64 * 1024
NEXT_READ = 1024 * 1024
MISSING = object()

_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
_encode_ascii = json.JSONEncoder(allow_nan=False, separators=(",", ":")).encode
_decode = json.JSONDecoder().raw_decode  # `json.loads` looks for white space by regular expressions


class NoFunctionError(Exception):
    """The file loads, but the function is not in it."""


class Context:
    """What a ``handler(event, context)`` learns about its request; the names are those of AWS Lambda."""

    __slots__ = (
        "_deadline_s",
        "aws_request_id",
        "deadline_ms",
        "function_name",
        "log_stream_name",
        "request_id",
    )

    def __init__(self, message: dict[str, Any], function_name: str) -> None:
        self.request_id = self.aws_request_id = str(message.get("activation_id", ""))
        self.function_name = str(message.get("action_name", "")) or function_name
        self.log_stream_name = self.function_name
        try:
            self.deadline_ms = int(message.get("deadline", 0))
        except (TypeError, ValueError):
            self.deadline_ms = 0

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the request is given up; never negative."""
        return max(0, self.deadline_ms - int(time.time() * 1000))


class EventLoop:
    """One asyncio loop for all requests: made before the snapshot, so that no request pays for it."""

    def __init__(self) -> None:
        self._loop: AbstractEventLoop | None = None

    def run(self, awaitable: Awaitable[Any]) -> Any:
        """The awaitable's result."""
        if self._loop is None:
            import asyncio

            self._loop = asyncio.new_event_loop()
            asyncio.set_event_loop(self._loop)
        if isinstance(awaitable, types.CoroutineType):
            return self._loop.run_until_complete(awaitable)
        return self._loop.run_until_complete(_wait_for(awaitable))


async def _wait_for(awaitable: Awaitable[Any]) -> Any:
    return await awaitable


async def _nothing() -> dict[str, Any]:
    return {}


def load(path: str, entry: str) -> Callable[..., Any]:
    """The function ``entry`` (dotted for an attribute; after a comma, what it may be instead) of the file,
    loaded as a module of its own.
    """
    stem = os.path.splitext(os.path.basename(path))[0]
    name = stem if stem.isidentifier() and stem not in sys.modules and stem != "__main__" else "main__"
    if sys.path and sys.path[0] == os.path.dirname(__file__):  # not so with PYTHONSAFEPATH
        del sys.path[0]
    sys.path.insert(0, os.path.dirname(path))
    sys.argv = [path]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    names = entry.split(",")
    for name in names:
        function: Any = module
        for part in name.split("."):
            function = getattr(function, part, MISSING)
        if callable(function):
            return function  # type: ignore[no-any-return]
        if function is not MISSING:
            raise NoFunctionError(f"{name!r} in {os.path.basename(path)} is not a function")
    raise NoFunctionError(f"{os.path.basename(path)} defines no {' and no '.join(map(repr, names))}")


def is_plain(function: Callable[..., Any]) -> bool:
    """Whether its code tells all of it: what wraps others, or says what it is like, takes the module inspect,
    which is as much to load and to keep as everything else here.
    """
    return type(function) is types.FunctionType and not function.__dict__


def positional_parameters(function: Callable[..., Any]) -> list[Any]:
    """Those that it takes itself: a decorator may take more or less than what it wraps, to which it passes on
    something else. One that takes any number passes on what it is given; so may one whose second parameter
    can be left out, unless its name tells what it is.

    Raises TypeError or ValueError where nobody can tell.
    """
    import inspect

    options: dict[str, Any] = {}
    if sys.version_info >= (3, 14):  # which evaluates annotations, whose names need not be there
        from annotationlib import Format

        options["annotation_format"] = Format.FORWARDREF

    def parameters(of: Callable[..., Any], *, follow_wrapped: bool) -> tuple[list[Any], bool]:
        its = inspect.signature(of, follow_wrapped=follow_wrapped, **options).parameters.values()
        kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        return [p for p in its if p.kind in kinds], any(p.kind is p.VAR_POSITIONAL for p in its)

    def tells(of: Callable[..., Any]) -> bool:
        try:
            positional, takes_any = parameters(of, follow_wrapped=False)
        except ValueError:  # it is written in C, as what caches results
            return False
        if len(positional) < EVENT_AND_CONTEXT:
            return not takes_any
        second = positional[1]
        return second.default is second.empty or second.name in CONTEXT_NAMES

    if type(function) is not types.MethodType:  # which has the attributes of its function, but takes one less
        function = inspect.unwrap(function, stop=tells)
    return parameters(function, follow_wrapped=not tells(function))[0]


def takes_context(function: Callable[..., Any]) -> bool:
    """Whether its second positional parameter is a context: it is required, and no third is, or it has a
    default and the name of one. A second parameter with a default and another name is the function's own.
    """
    if is_plain(function):
        code = function.__code__
        names = code.co_varnames[: code.co_argcount]
        required = len(names) - len(function.__defaults__ or ())
    else:
        try:
            positional = positional_parameters(function)
        except (TypeError, ValueError):
            return False
        names = tuple(p.name for p in positional)
        required = sum(p.default is p.empty for p in positional)
    if required < EVENT_AND_CONTEXT <= len(names):
        return names[1] in CONTEXT_NAMES
    return required == EVENT_AND_CONTEXT


def is_async(function: Callable[..., Any]) -> bool:
    """Whether a call of it is to be awaited."""
    if is_plain(function):
        return bool(function.__code__.co_flags & CO_COROUTINE)
    import inspect

    # Also an instance with an async __call__.
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        getattr(function, "__call__", None)  # noqa: B004
    )


def write_line(data: bytes) -> None:
    """Write all of it; a pipe takes large answers in parts."""
    written = os.write(ANSWER_FD, data)
    if written < len(data):
        rest = memoryview(data)[written:]
        while rest:
            rest = rest[os.write(ANSWER_FD, rest) :]


class Lines:
    """Request lines from a descriptor."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._rest = b""

    def read(self) -> bytes:
        """The next line; empty at the end of input."""
        data = self._rest or os.read(self._fd, FIRST_READ)
        self._rest = b""
        newline = data.find(b"\n")
        if newline == len(data) - 1:  # the usual case; and the end of input, where both are -1
            return data
        chunks = []
        while newline < 0:
            chunks.append(data)
            data = os.read(self._fd, NEXT_READ)
            if not data:
                return b""
            newline = data.find(b"\n")
        self._rest = data[newline + 1 :]
        chunks.append(data[: newline + 1])
        return b"".join(chunks)


def beside(name: str) -> Any:
    """The module ``name``.py next to this file, under a name that no function's module has."""
    spec = importlib.util.spec_from_file_location(
        f"_groundhog_{name}", f"{os.path.dirname(__file__)}/{name}.py"
    )
    assert spec is not None  # noqa: S101
    assert spec.loader is not None  # noqa: S101
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Server:
    """Answers request lines with the function's results."""

    def __init__(self, function: Callable[..., Any], name: str, hooks: Any) -> None:
        self._function = function
        self._generators = beside("generators").Generators()
        self._generators.find()
        self._name = name
        self._takes_context = takes_context(function)
        self._loop = EventLoop()
        self._hooks = hooks(self._loop.run)
        self._kept: list[object] = []
        self._async = is_async(function)
        if self._async:
            self._loop.run(_nothing())

    def serve(self, lines: Lines) -> None:
        """Answer until the input ends. Nothing of a request is referred to while the next is waited for."""
        while line := lines.read():
            write_line(self._answer(line))
            del line

    def _answer(self, line: bytes) -> bytes:
        token, start = b"", 0
        if line.startswith(FRESH):
            token, start = line[TOKEN], REQUEST
            self._generators.reseed(line[SEED])
            if self._hooks.waiting:
                self._run_hooks()
        message, _ = _decode(line.decode(), start)
        control = message.get("groundhog")
        if control in ("prepare", "finish"):
            said = self._prepare(message) if control == "prepare" else self._finish()
            return _encode_ascii(said).encode() + token + b"\n"
        for key, value in message.items():
            if key not in ("value", "groundhog"):
                os.environ["__OW_" + key.upper()] = value if isinstance(value, str) else _encode_ascii(value)
        try:
            answer = _to_bytes(self._call(message), token)
        except Exception as error:  # noqa: BLE001 - whatever the function raises is its answer
            report(error)
            answer = _to_bytes({"error": text_of(error)}, RAISED + token)
        flush()
        return answer

    def _run_hooks(self) -> None:
        """One that raises ends the process, which is not fit to serve."""
        try:
            self._hooks.after_restore()
        except BaseException as error:  # noqa: BLE001 - whatever it is
            report(error)
            flush()
            write_line(_encode_ascii({"groundhog": "hook", "error": described(error)}).encode() + b"\n")
            sys.exit(1)
        write_line(DONE)

    def _prepare(self, message: dict[str, Any]) -> dict[str, Any]:
        try:
            self._hooks.before_snapshot()
        except Exception as error:  # noqa: BLE001 - whatever it is, there must be no snapshot
            report(error)
            flush()
            return {"ok": False, "error": f"a hook before the snapshot failed: {described(error)}"}
        if message.get("connections") == "drop":
            beside("drivers").drop(report)
        beside("processes").end()
        flush()  # what hooks printed must not be in the snapshot, and come with each answer
        self._kept = prepare()
        self._generators.find()
        return {"ok": True, "hooks": bool(self._hooks.waiting), "before_restore": self._hooks.finish}

    def _finish(self) -> dict[str, Any]:
        def told(error: BaseException) -> str:
            report(error)
            return described(error)

        wrong = self._hooks.before_restore(told)
        flush()
        return {"ok": False, "error": wrong} if wrong else {"ok": True}

    def _call(self, message: dict[str, Any]) -> Any:
        if message.get("groundhog") == "draw":
            return beside("draws").draw()
        if "groundhog" in message:  # a request in all but the function
            if self._takes_context:
                Context(message, self._name)
            return self._loop.run(_nothing()) if self._async else {}
        params = message.get("value", {})
        result = (
            self._function(params, Context(message, self._name))
            if self._takes_context
            else self._function(params)
        )
        if self._async or (type(result) is not dict and hasattr(result, "__await__")):
            result = self._loop.run(result)
        return result


def _to_bytes(result: Any, end: bytes) -> bytes:
    try:
        text = _encode(result)
    except (TypeError, ValueError, RecursionError) as error:
        raise TypeError(f"the function's result cannot be sent as JSON: {error}") from error
    try:
        return b"%b%b\n" % (text.encode(), end)
    except UnicodeEncodeError:  # half a surrogate pair: only an escape can carry it
        return b"%b%b\n" % (_encode_ascii(result).encode(), end)


def report(error: BaseException) -> None:
    """Show the traceback from the function's first frame on."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    try:
        traceback.print_exception(type(error), error, trace or error.__traceback__)
    except Exception:  # noqa: BLE001 - the function may have closed sys.stderr; its answer still counts
        return


def flush() -> None:
    """All that the function printed is in the pipes before its answer is."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:  # noqa: BLE001, S112, PERF203 - as in report
            continue


def prepare() -> list[object]:
    """Make the state that is about to be kept small and steady; return what has to live on with it."""
    sys.dont_write_bytecode = True  # from now on a request must not leave files
    memory = beside("memory")
    gc.collect()
    gc.collect()  # what the finalizers of the first round released
    gc.freeze()  # collections in requests neither look at nor write to what is older than the snapshot
    return [memory, memory.fill_pools(), memory.make_room()]  # the module, too: its end would leave holes


def described(error: BaseException) -> str:
    """Its kind and what it says."""
    text = text_of(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def text_of(error: BaseException) -> str:
    """What it says. Some fail at that, too, and are no less an answer."""
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - code of others may raise anything
        return "an error without a text"


def load_error(error: BaseException, path: str) -> str:
    """One line that says why the code does not load, and where."""
    if isinstance(error, SystemExit):
        text = f"the code called sys.exit({error.code!r}) while loading"
    elif isinstance(error, NoFunctionError):
        return str(error)
    else:
        text = described(error)
    if not isinstance(error, SyntaxError):  # its text says where
        for frame in reversed(traceback.extract_tb(error.__traceback__)):
            if frame.filename == path:
                text += f" ({os.path.basename(path)}, line {frame.lineno})"
                break
    return " ".join(text.split())


def activate(environment: str) -> None:
    """Have what is installed in a virtual environment be found, as virtualenv's own script does it."""
    script = f"{environment}/bin/activate_this.py"
    if not os.path.isfile(script):
        raise NoFunctionError("Invalid virtualenv. Zip file does not include 'activate_this.py'.")
    with open(script, "rb") as file:
        code = compile(file.read(), script, "exec")
    exec(code, {"__file__": script})  # noqa: S102 - code of the function's owner, too


def private_input() -> int:
    """Move the request pipe off stdin, where the function's own children would read from it."""
    fd = os.dup(0)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    return fd


def main() -> None:
    """Load the function, say so, serve."""
    path, entry, name = sys.argv[1:4]
    acknowledge = os.environ.pop("OW_WAIT_FOR_ACK", "") != ""
    environment = os.environ.pop("GROUNDHOG_VIRTUALENV", "")
    lines = Lines(private_input())
    os.set_inheritable(ANSWER_FD, False)
    hooks = beside("hooks")
    hooks.provide()
    try:
        if environment:
            activate(environment)
        server = Server(load(path, entry), name, hooks.Hooks)
    except BaseException as error:  # noqa: BLE001 - whatever it is, the function cannot serve
        exited = isinstance(error, SystemExit)
        if not exited:  # who ends a process by that has said what there is to say
            report(error)
        flush()
        if acknowledge:
            said = {"ok": False, "error": load_error(error, path), "exited": exited}
            write_line(_encode_ascii(said).encode() + b"\n")
        sys.exit(1)
    flush()
    if acknowledge:
        write_line(b'{"ok":true,"groundhog":1}\n')
    server.serve(lines)


if __name__ == "__main__":
    main()
