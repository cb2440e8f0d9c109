"""How much the bodies of requests take, all together: those that come in, that wait, and that are served.

Each has a limit of its own, and each request has one in the queue. But a thousand of the largest that wait,
or of which the last byte never comes, are 64 GB: the kernel would end the supervisor, and all functions
with it.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

MIB = 1024 * 1024
MOST = 1024 * MIB
_SMALL = 64 * 1024
"""Not counted: large ones take nothing from who sends small ones."""
_HELD = "groundhog.held"
"""The member of a request's scope that says how much of it is counted."""

Scope = MutableMapping[str, Any]


class Bodies:
    """Counts the bytes of the bodies of requests that have not been answered."""

    def __init__(self) -> None:
        self._held = 0

    def hold(self, scope: Scope, size: int) -> bool:
        """Count a request's body, of which so much has come. False: others have taken what there is."""
        before = scope.get(_HELD, 0)
        more = max(0, size - _SMALL) - before
        others = self._held - before
        if more > 0 and others and self._held + more > MOST:
            return False
        scope[_HELD] = before + more
        self._held += more
        return True

    def hand_over(self, scope: Scope) -> Callable[[], None]:
        """Count a request's body on after its answer, until what is returned is called."""
        held = scope.pop(_HELD, 0)

        def release() -> None:
            self._held -= held

        return release

    def release(self, scope: Scope) -> None:
        """The request has been answered."""
        self._held -= scope.pop(_HELD, 0)
