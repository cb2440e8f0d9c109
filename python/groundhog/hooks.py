"""What a function wants done before its snapshot, before each restore, and after it.

The same as PyPI's ``snapshot-restore-py``, which functions for AWS Lambda use; either may be imported. Only
`register_before_restore` is ours. Where nobody takes snapshots nothing is called. Imports nothing, since
functions load it.

Order, errors and time limits are those that AWS documents for Lambda SnapStart
(https://docs.aws.amazon.com/lambda/latest/dg/snapstart-runtime-hooks-python.html).
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    Called = TypeVar("Called", bound=Callable[..., Any])
    Hook = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]

__all__ = ["register_after_restore", "register_before_restore", "register_before_snapshot"]

_before: list[Hook] = []
_finishing: list[Hook] = []
_after: list[Hook] = []


def register_before_snapshot(func: Called, /, *args: Any, **kwargs: Any) -> Called:
    """Have ``func(*args, **kwargs)`` called before the snapshot, of several the last one first.

    Counts towards ``Limits.start_timeout_s``. If it raises, the function does not start (InitError). What an
    async function returns is awaited. Also a decorator: returns ``func``.
    """
    _before.append((func, args, kwargs))
    return func


def register_before_restore(func: Called, /, *args: Any, **kwargs: Any) -> Called:
    """Have ``func(*args, **kwargs)`` called after each response, before what the request left is reverted, of
    several the last one first: to send what waits in a queue, such as events or traces.

    No caller waits for it, but the process serves nobody meanwhile: all of them together have
    ``Limits.hooks_timeout_s``, then the process is replaced. If one raises, the log says so, the others are
    called, and the process is reverted as ever. What an async function returns is awaited. The first one has
    to be registered before the snapshot. Also a decorator: returns ``func``.
    """
    _finishing.append((func, args, kwargs))
    return func


def register_after_restore(func: Called, /, *args: Any, **kwargs: Any) -> Called:
    """Have ``func(*args, **kwargs)`` called after each restore, of several the first one first.

    It runs when the next request comes, before the function sees that, or with ``Pool(hooks="eager")`` at
    once; once for each restore: all of them together within ``Limits.hooks_timeout_s``. If one raises or
    takes longer, the process is replaced, and the request that waits for it, if any, fails (HookError,
    FunctionTimeoutError). What an async function returns is awaited. What it does belongs to the next
    request, and is reverted with it. Also a decorator: returns ``func``.
    """
    _after.append((func, args, kwargs))
    return func


def get_before_snapshot() -> list[Hook]:
    """Those to be called before the snapshot, in the order in which they were registered."""
    return _before


def get_before_restore() -> list[Hook]:
    """Those to be called before a restore, likewise."""
    return _finishing


def get_after_restore() -> list[Hook]:
    """Those to be called after a restore, likewise."""
    return _after
