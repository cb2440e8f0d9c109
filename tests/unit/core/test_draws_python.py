"""What the Python launcher draws from, in a process of its own, without a snapshot."""

from __future__ import annotations

import importlib.util
import sys
import types
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import groundhog
from tests.unit.core.launcher import Launcher

if TYPE_CHECKING:
    from collections.abc import Callable

    Source = Callable[[str, str], Path]

pytestmark = pytest.mark.usefixtures("no_leaks")
DRAWS = Path(groundhog.__file__).parent / "runners" / "bootstrap" / "draws.py"
MAIN = "\ndef main(params):\n    return params\n"


def drawn(path: Path) -> Any:
    """The answer, once the process has prepared for its snapshot."""
    with Launcher(path) as it:
        it.line()
        assert it.ask({"groundhog": "prepare"}) == {"ok": True, "hooks": False, "before_restore": False}
        answer = it.ask({"groundhog": "draw"})
        assert it.call({"a": 1}) == {"a": 1}, "it goes on serving"
    return answer


def where(path: Path) -> dict[str, str]:
    answer = drawn(path)
    assert answer["notes"] == []
    assert all(one["drawn"] for one in answer["private"])
    found = {one["where"]: one["what"] for one in answer["private"]}
    assert len(found) == len(answer["private"])
    return found


def test_only_what_is_loaded_is_drawn_from(source: Source) -> None:
    answer = drawn(source("handler.py", "import random, ssl, tempfile, uuid" + MAIN))
    names = {"os.urandom", "random.random", "random.gauss", "names of tempfile", "ssl.RAND_bytes"}
    assert answer["drawn"].keys() == names | {"uuid.uuid1", "uuid.uuid4"}
    assert answer["refused"] == {}
    assert answer["private"] == []
    assert drawn(source("bare.py", MAIN))["drawn"].keys() == {"os.urandom"}


def test_one_that_fails_does_not_keep_the_others(source: Source) -> None:
    text = "import random\ndef refuse():\n    raise OSError('no luck')\nrandom.random = refuse\n"
    answer = drawn(source("handler.py", text + MAIN))
    assert answer["refused"] == {"random.random": "OSError: no luck"}
    assert "random.gauss" in answer["drawn"]


PLACES = {
    "module": ("rng = R()", "handler.rng"),
    "dictionary": ("keep = {'a': {5: R()}}", "handler.keep['a'][5]"),
    "sequences": ("keep = [0, (1, R())]", "handler.keep[1][1]"),
    "other containers": ("import collections\nkeep = collections.deque([R()])", "handler.keep[...]"),
    "set": ("keep = {R()}", "handler.keep[...]"),
    "class": ("class K:\n    rng = R()", "handler.K.rng"),
    "instance": ("class K:\n    def __init__(self): self.rng = R()\nkeep = K()", "handler.keep.rng"),
    "slot": (
        "class K:\n    __slots__ = ('empty', 'rng')\n    def __init__(self): self.rng = R()\nkeep = K()",
        "handler.keep.rng",
    ),
    "closure": (
        "def make():\n    rng = R()\n    return lambda: rng.random()\ndraw = make()",
        "handler.draw, variable rng",
    ),
    "default": ("def draw(a, rng=R()): ...", "handler.draw, parameter rng"),
    "keyword default": ("def draw(*, rng=R()): ...", "handler.draw, parameter rng"),
    "method": ("draw = R().random", "handler.draw.__self__"),
    "partial": ("import functools\ndraw = functools.partial(int, R())", "handler.draw.args[0]"),
    "subclass": ("class R2(R): ...\nrng = R2()", "handler.rng"),
    "no hash": (
        "class M(type):\n    __hash__ = None\nclass R2(R, metaclass=M): ...\nrng = R2()",
        "handler.rng",
    ),
}


TORCH = """
class Generator:
    device = "cpu"

class Numbers(list):
    tolist = list.copy

def rand(count, *, generator, device):
    return Numbers([generator.device == device] * count)

default_generator = Generator()
"""


def test_torch(source: Source) -> None:
    """A stand-in: the package is large."""
    source("torch.py", TORCH)
    [one] = drawn(source("handler.py", "import torch" + MAIN))["private"]
    assert one == {
        "where": "torch.default_generator",
        "what": "torch.Generator",
        "drawn": "[True, True, True, True]",
    }


def test_the_class_beneath_random(source: Source) -> None:
    """The collector does not track its instances: nothing can be behind them."""
    found = where(source("handler.py", "import _random\nkeep = [_random.Random()]" + MAIN))
    assert found == {"handler.keep[0]": "_random.Random"}


@pytest.mark.parametrize("case", PLACES)
def test_where_it_is_found(source: Source, case: str) -> None:
    text, name = PLACES[case]
    found = where(source("handler.py", f"from random import Random as R\n{text}\n{MAIN}"))
    assert list(found) == [name]
    assert found[name] in {"random.Random", "handler.R2"}


def test_hidden_in_an_instance_of_a_library(source: Source) -> None:
    library = "import random\nclass Client:\n    def __init__(self): self._jitter = random.Random()\n"
    source("lib/__init__.py", "")
    source("lib/pool.py", library + "_clients = {'default': Client()}\n")
    found = where(source("handler.py", "from lib import pool" + MAIN))
    assert found == {"lib.pool._clients['default']._jitter": "random.Random"}


def test_reached_by_no_name(source: Source) -> None:
    """Two that only hold each other, which nothing but the collector knows, once its rounds are over."""
    text = (
        "import gc, random\ngc.disable()\ngc.collect = lambda: 0\na, b = random.Random(), random.Random()\n"
    )
    answer = drawn(source("handler.py", text + "a.other, b.other = b, a\ndel a, b\n" + MAIN))
    assert [(one["where"], one["what"]) for one in answer["private"]] == [("", "random.Random")] * 2


@pytest.mark.parametrize(
    "text",
    [
        "import random\nsame = random._inst\nkeep = [random.random]",
        "import random\nrng = random.SystemRandom()\nclass K(random.SystemRandom): ...\nk = K()",
        "import secrets\nrng = secrets.SystemRandom()",
        "import tempfile\ntempfile.mktemp()",
    ],
)
def test_what_a_launcher_seeds_and_what_the_kernel_gives_is_not_private(source: Source, text: str) -> None:
    assert where(source("handler.py", text + MAIN)) == {}


def test_a_class_of_others_may_raise(source: Source) -> None:
    text = (
        "import random\nclass R(random.Random):\n    def random(self): raise ValueError('empty')\nrng = R()\n"
    )
    text += "class Odd:\n    def __getattribute__(self, name): raise KeyError(name)\nodd = Odd()\n"
    answer = drawn(source("handler.py", text + MAIN))
    assert answer["private"] == [
        {"where": "handler.rng", "what": "handler.R", "refused": "ValueError: empty"}
    ]


def test_of_very_many_some_are_drawn_from(source: Source) -> None:
    """Those with names first."""
    text = "import random\nkeep = {random.Random() for _ in range(150)}\nlast = random.Random()\n"
    answer = drawn(source("handler.py", text + MAIN))
    assert len(answer["private"]) == 100
    assert answer["notes"] == ["151 private generators were found, and 100 of them drawn from"]
    assert "handler.last" in {one["where"] for one in answer["private"]}


@pytest.fixture
def draws() -> types.ModuleType:
    spec = importlib.util.spec_from_file_location("draws_of_a_test", DRAWS)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Marked:
    """What the search is to find."""


def test_the_search_for_names_ends(draws: types.ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    far = types.ModuleType("aa_far")
    target = Marked()
    far.chain = [[[[target]]]]  # type: ignore[attr-defined]
    monkeypatch.setattr(sys, "modules", {"aa_far": far})  # this process holds far more than a function's
    wanted = {id(target): target}
    assert draws.places(wanted) == ({id(target): "aa_far.chain[0][0][0][0]"}, True)
    monkeypatch.setattr(draws, "MAX_LOOKED_AT", len(vars(far)) + 1)
    assert draws.places(wanted) == ({}, False)


def test_a_search_in_vain_ends_when_all_has_been_seen(
    draws: types.ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where things hold one another in circles."""
    circle: list[Any] = []
    circle.append(circle)
    module = types.ModuleType("aa_circle")
    module.circle = circle  # type: ignore[attr-defined]
    monkeypatch.setattr(sys, "modules", {"aa_circle": module})
    assert draws.places({1: None}) == ({}, True)


NUMPY = """
import numpy.random
from numpy.random import MT19937, PCG64, Generator, RandomState, default_rng
generator = default_rng()
state = RandomState()
bits = PCG64()
of_bits = Generator(MT19937())
"""


def test_numpy(source: Source) -> None:
    """Each once: what a generator draws its bits from is part of it. Not numpy's own, which is reseeded."""
    answer = drawn(source("handler.py", NUMPY + MAIN))
    assert {one["where"]: one["what"] for one in answer["private"]} == {
        "handler.generator": "numpy.random.Generator",
        "handler.state": "numpy.random.mtrand.RandomState",
        "handler.bits": "numpy.random.PCG64",
        "handler.of_bits": "numpy.random.Generator",
    }
    assert answer["drawn"].keys() >= {"numpy.random.random", "numpy.random.normal"}
