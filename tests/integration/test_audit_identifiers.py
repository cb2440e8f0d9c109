"""`groundhog audit` finds identifiers that repeat in answers, whatever makes them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.framework import programs
from tests.framework.commands import groundhog

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Source = Callable[[str, str], Path]

pytestmark = pytest.mark.kernel

OWN_GENERATOR = """
import os, time, uuid

class Ids:
    def __init__(self):
        self.state = int.from_bytes(os.urandom(8), "big")
    def next(self):
        self.state = self.state * 6364136223846793005 + 1442695040888963407 & (1 << 64) - 1
        return f"{int(time.time()):08x}{self.state:016x}"

ids, started, served = Ids(), time.time(), 0

def main(params):
    global served
    served += 1
    answer = {"number": 1000 + served, "started": started, "process": os.getpid(), "address": id(answers)}
    return {**answer, "key": uuid.uuid4().hex, "now": time.time(), **answers(params)}

def answers(params):
    return {"order": ids.next()} if "own" in params else {"order": os.urandom(8).hex()}
"""

NODE = """
let state = require('crypto').randomBytes(4).readUInt32LE();
const next = () => (state = Math.imul(state, 1664525) + 1013904223 >>> 0).toString(16).padStart(8, '0');
exports.main = () => ({ order: next(), key: require('crypto').randomUUID() });
"""


def repeats(source: Source, *words: str, payload: str, code: int) -> list[dict[str, Any]]:
    payloads = source("payloads.jsonl", payload + "\n")
    result = groundhog("audit", "--payloads", str(payloads), "--json", *words)
    assert result.returncode == code, result.stderr + result.stdout
    said: list[dict[str, Any]] = json.loads(result.stdout)["repeated_identifiers"]
    return said


def test_a_function_that_fails_now_and_then_is_not_examined_in_silence(source: Source) -> None:
    text = (
        "import os\nserved = 0\ndef main(params):\n    global served\n    served += 1\n"
        "    if served > 1: raise ValueError(served)\n    return {'token': os.urandom(8).hex()}\n"
    )
    payloads = source("payloads.jsonl", "{}\n")
    result = groundhog("audit", str(source("handler.py", text)), "--payloads", str(payloads), "--json")
    notes = json.loads(result.stdout)["notes"]
    assert any(
        note.startswith("it failed with payload 1 when its answers were to be compared") for note in notes
    )


def test_of_a_generator_that_nobody_knows(source: Source) -> None:
    path = str(source("handler.py", OWN_GENERATOR))
    (repeat,) = repeats(source, path, payload='{"own": true}', code=1)
    assert repeat["member"] == "order"
    assert len(repeat["text"]) >= 16


def test_what_is_none(source: Source) -> None:
    assert repeats(source, str(source("handler.py", OWN_GENERATOR)), payload="{}", code=0) == []


def test_of_node(source: Source) -> None:
    (repeat,) = repeats(source, str(source("handler.js", NODE)), payload="{}", code=1)
    assert repeat["member"] == "order"


def test_of_a_program(source: Source) -> None:
    """The generators of Go are seeded once, when a program starts."""
    program = programs.go("identifiers")
    (repeat,) = repeats(source, "--", *program, payload="{}", code=1)
    assert repeat["member"] == "order"


def test_for_people(source: Source) -> None:
    payloads = source("payloads.jsonl", '{"own": true}\n')
    result = groundhog("audit", str(source("handler.py", OWN_GENERATOR)), "--payloads", str(payloads))
    assert result.returncode == 1
    words = " ".join(result.stdout.split())
    assert "an identifier repeats in the answers to payload 1: its member order has" in words


def test_of_several_generators_of_which_any_draws(source: Source) -> None:
    text = OWN_GENERATOR.replace("ids, started", "import random\nshards, started").replace(
        "Ids(), time", "[Ids(), Ids()], time"
    )
    text = text.replace("ids.next()", "random.choice(shards).next()").replace("{int(time.time()):08x}", "")
    (repeat,) = repeats(source, str(source("handler.py", text)), payload='{"own": true}', code=1)
    assert repeat["member"] == "order"
