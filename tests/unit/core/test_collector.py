"""Texts of many small values keep the event loop for no longer than it takes to parse them."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

import pytest

from groundhog.protocols.actionloop import parse_answer
from groundhog.protocols.runtime_api import parse_response

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PARSERS = [parse_answer, parse_response]
MANY = b"[" + b"[]," * 500_000 + b"[]]"


@pytest.fixture
def collections() -> Iterator[list[int]]:
    """The generation of each collection."""
    seen: list[int] = []

    def see(phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            seen.append(info["generation"])

    gc.callbacks.append(see)
    yield seen
    gc.callbacks.remove(see)


@pytest.mark.parametrize("parse", PARSERS)
def test_nothing_is_collected_meanwhile(parse: Callable[[bytes], Any], collections: list[int]) -> None:
    before = len(collections)
    value = parse(MANY)
    assert len(collections) - before <= 1, "once it is parsed, the collector has its turn"
    assert len(value) == 500_001
    assert gc.isenabled()


@pytest.mark.parametrize("parse", PARSERS)
def test_afterwards_it_is_as_before(parse: Callable[[bytes], Any]) -> None:
    parse(MANY)
    assert gc.isenabled()
    gc.disable()
    try:
        parse(MANY)
        assert not gc.isenabled()
    finally:
        gc.enable()
