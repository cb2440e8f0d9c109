"""JSON that is passed on as it came: it is checked, and nothing is made of it.

Objects take thirty times as much memory as their text, and a second for 60 MB of it. The compiled module
looks at the text, and other threads run meanwhile.
"""

from __future__ import annotations

import json
from typing import NoReturn

from groundhog import _core


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


decode = json.JSONDecoder(parse_constant=_refuse_constant).decode
"""The value of a text, strictly: no NaN or Infinity."""


def kind(text: bytes) -> str:
    """What a text of JSON is: ``failure`` (an object with the one member ``error``, by which a runner reports
    an exception), ``object``, ``array`` or ``scalar``.

    Raises ValueError if it is none; RecursionError if it is nested more deeply than functions could read.
    """
    return _core.json_kind(text)


def members(text: bytes) -> dict[str, bytes] | None:
    """The members of an object, each as text; None if it is no object. Raises as `kind` does."""
    found = _core.json_members(text)
    return None if found is None else {name: text[start:end] for name, start, end in found}


class JsonLine(bytes):
    """JSON in one line, whatever a runtime takes for the end of a line: a carriage return, or a separator of
    Unicode. Made by `line`.
    """

    __slots__ = ()


def line(text: bytes) -> JsonLine:
    """The same JSON in one line. Text that is JSON, as `kind` says."""
    return JsonLine(_core.json_line(text))
