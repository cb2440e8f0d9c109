"""What requests are for: the paths of their targets."""

from __future__ import annotations

from urllib.parse import unquote

OPERATORS = "/_/"
"""What the paths of operators begin with."""


def decoded(raw_path: bytes) -> str:
    """Return the path that a target names. What is the operators' has one form alone, which a gateway that
    does not let callers ask for it may compare: in any other it is the path that was sent, which is nobody's.
    """
    sent = raw_path.decode("ascii")
    path = unquote(sent)
    return sent if path.startswith(OPERATORS) else path
