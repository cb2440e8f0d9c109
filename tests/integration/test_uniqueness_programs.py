"""Random numbers of programs that speak ActionLoop themselves: no two requests get the same ones."""

from __future__ import annotations

import asyncio
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from groundhog import Function, Pool
from groundhog.audit.workshop import C_FLAGS, SOURCES, WARNINGS
from groundhog.errors import HookError, InitError
from groundhog.observer import Endings
from groundhog.protocols.actionloop import DRAW
from groundhog.testing import weakened
from groundhog.weakening import RESEEDING
from tests.framework import programs
from tests.framework.commands import is_gone
from tests.framework.programs import EXAMPLES, HELPERS, OPENS, PROGRAMS

if TYPE_CHECKING:
    from collections.abc import Callable

    Compile = Callable[..., tuple[str, ...]]

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.long,
    pytest.mark.usefixtures("no_leaks"),
    pytest.mark.xdist_group("compiled java"),
]
REQUESTS = 1000
LANGUAGES = ("java", "c", "go", "rust")
"""Of which there is a helper."""
ROOT = Path(__file__).parents[2]
ENGINE_VICTIMS = ROOT / "crates/groundhog-engine/tests/victims"
NOBODY = 65534
FRESH_BY_TIME = {"new Random"}
"""What `System.nanoTime` keeps from repeating, whether it is seeded or not."""


def compiled(*argv: str | Path) -> None:
    subprocess.run([str(word) for word in argv], check=True)


@pytest.fixture
def c(tmp_path: Path) -> Compile:
    """``c(path)`` is the command that runs a program, compiled with the helper and what the victims share."""

    def command(
        source: Path, *options: str, compiler: tuple[str, ...] = ("gcc", *C_FLAGS)
    ) -> tuple[str, ...]:
        program = tmp_path / "-".join((source.stem, *options))
        folders = [f"-I{folder}" for folder in (HELPERS / "c", SOURCES / "c")]
        compiled(*compiler, *WARNINGS["c"], "-Wpedantic", *folders, *options, "-o", program, source)
        return (str(program),)

    return command


async def draws(
    argv: tuple[str, ...], requests: int, *, env: dict[str, str] | None = None, **options: Any
) -> dict[Any, list[Any]]:
    """What each generator gave to each request, all of them in one process."""
    drawn: dict[Any, list[Any]] = {}
    async with Pool(Function.from_command(argv, env=env), workers=1, **options) as pool:
        for _ in range(requests):
            value = (await pool.invoke({"secret": "-"})).value
            for name, number in (value if isinstance(value, dict) else dict(enumerate(value))).items():
                drawn.setdefault(name, []).append(number)
        assert pool.stats().retirements.keys() <= {"superseded"}
    assert {len(numbers) for numbers in drawn.values()} == {requests}
    return drawn


def repeating(drawn: dict[Any, list[Any]]) -> set[Any]:
    return {name for name, numbers in drawn.items() if len(set(numbers)) < len(numbers)}


@pytest.mark.parametrize("requests", [200, pytest.param(REQUESTS, marks=pytest.mark.slow)])
async def test_java(requests: int) -> None:
    argv = programs.java("Draws", OPENS, "--add-opens=java.base/sun.security.provider=ALL-UNNAMED")
    drawn = await draws(argv, requests)
    assert repeating(drawn) == set()
    with weakened(RESEEDING):
        unseeded = await draws(argv, 4)
    assert repeating(unseeded) == drawn.keys() - FRESH_BY_TIME


async def test_java_refuses_what_it_cannot_seed() -> None:
    """Fail closed: the function does not start, and the message says what to do."""
    with pytest.raises(InitError, match=f"would repeat: start java with {OPENS}$"):
        await draws(programs.java("Draws", "-ea"), 1)
    with pytest.raises(
        InitError, match=r"JDK's DRBG would repeat: let the default of SecureRandom be NativePRNG"
    ):
        await draws(programs.java("Hooked", OPENS, "-Djava.security.egd=file:/dev/./urandom"), 1)


@pytest.mark.parametrize("compiler", [("gcc", "-std=c11"), ("g++", "-std=c++11", "-xc++")])
async def test_c(c: Compile, compiler: tuple[str, ...]) -> None:
    argv = c(PROGRAMS / "c/draws.c", compiler=compiler)
    drawn = await draws(argv, REQUESTS)
    assert repeating(drawn) <= {"random"}
    # Its seed has 32 bits: among 1,000 of them there are two equal ones once in 10,000 runs.
    assert len(set(drawn["random"])) >= REQUESTS - 1
    with weakened(RESEEDING):
        unseeded = await draws(argv, 4)
    assert repeating(unseeded) == drawn.keys()


async def test_go() -> None:
    argv = programs.go_helped(PROGRAMS / "go/draws.go")
    drawn = await draws(argv, REQUESTS)
    assert repeating(drawn) == {"math/rand/v2", "not named"}, "as the helper says"
    with weakened(RESEEDING):
        unseeded = await draws(argv, 4)
    assert repeating(unseeded) == drawn.keys() - {"crypto/rand"}


async def test_rust() -> None:
    drawn = await draws(programs.rust("draws"), REQUESTS)
    assert repeating(drawn) == {"not named"}, "as the helper says"
    with weakened(RESEEDING):
        unseeded = await draws(programs.rust("draws"), 4)
    assert repeating(unseeded) == {"named", "not named"}, "the others are seeded by the kernel"


def test_go_is_formatted() -> None:
    command = ["gofmt", "-l", *(str(folder / "go") for folder in (HELPERS, EXAMPLES, PROGRAMS))]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    assert found.stdout == ""


async def test_the_vdso_needs_no_helper(c: Compile) -> None:
    """The kernel's generator in the vDSO, as glibc draws from it from 2.41 on, finds its state zeroed."""
    argv = c(ENGINE_VICTIMS / "vdso_random.c")
    drawn = await draws((*argv, "droppable"), REQUESTS)
    assert repeating(drawn) == set()
    # In memory that is not marked it goes on from the snapshot; not if the kernel is seeded anew meanwhile.
    assert {0} in [repeating(await draws((*argv, "ordinary"), 4)) for _ in range(2)]


async def test_a_sentinel_needs_no_helper(c: Compile) -> None:
    """A generator that is seeded anew when a page for that is zero, as BoringSSL's."""
    drawn = await draws(c(PROGRAMS / "c/sentinel.c", "-DMARK=MADV_WIPEONFORK"), REQUESTS)
    assert repeating(drawn) == set()
    unmarked = await draws(c(PROGRAMS / "c/sentinel.c", "-DMARK=MADV_NORMAL"), 4)
    assert repeating(unmarked) == {0}


HOOK_SAYS = {
    "java": "a hook after the restore failed: java.io.IOException: a hook has failed",
    "c": "a hook after the restore failed: it returned 1",
    "go": "a hook after the restore failed: a hook has failed",
    "rust": "a hook after the restore failed: a hook has failed",
}


def helped(language: str, c: Compile, folder: Path, name: str) -> tuple[str, ...]:
    """The command of a program that uses the helper for its language."""
    match language:
        case "java":
            return programs.java(name.title())
        case "go":
            return programs.go_helped(folder / f"go/{name}.go")
        case "rust":
            return programs.rust(name)
        case _:
            return c(folder / f"c/{name}.c")


def hooked(language: str, c: Compile, flag: Path) -> tuple[str, ...]:
    return (*helped(language, c, PROGRAMS, "hooked"), str(flag))


@pytest.mark.parametrize("language", LANGUAGES)
async def test_hooks(c: Compile, tmp_path: Path, language: str) -> None:
    """Each is called once for a restore, in its order; one that fails ends the process and the request."""
    flag = tmp_path / "flag"
    function = Function.from_command(hooked(language, c, flag))
    async with Pool(function, workers=1, jail="none", isolation="domain") as pool:
        pids = set()
        for number in range(20):  # two of each domain, with no restore between them
            value = (await pool.invoke({}, domain=str(number // 2))).value
            assert isinstance(value, dict)
            assert value["order"] == "before-2 before-1 after-1 after-2"
            pids.add(value["pid"])
        flag.touch()
        with pytest.raises(HookError, match=HOOK_SAYS[language]):
            await pool.invoke({})
    assert all(map(is_gone, pids))
    with pytest.raises(InitError, match=HOOK_SAYS[language]):
        await draws(function.argv, 1, jail="none")
    with pytest.raises(InitError, match="a hook before the snapshot failed: "):
        await draws((*function.argv[:-1], str(tmp_path), "early"), 1, jail="none")


@pytest.mark.parametrize("language", LANGUAGES)
async def test_hooks_that_run_ahead(c: Compile, tmp_path: Path, language: str) -> None:
    """To a program they are hooks as ever: the line at which they run is a noop."""
    flag, seen = tmp_path / "flag", Endings()
    function = Function.from_command(hooked(language, c, flag))
    async with Pool(function, workers=1, jail="none", hooks="eager", observer=seen) as pool:
        for number in range(10):
            while pool.next_pid is None:  # noqa: ASYNC110 - nothing tells of it
                await asyncio.sleep(0.001)
            if number == 9:
                flag.touch()  # those for this request have run
            assert (await pool.invoke({})).value["order"] == "before-2 before-1 after-1 after-2"
        while not isinstance(told := await seen.events.get(), str):
            pass
    assert told == f"hook-failed: {HOOK_SAYS[language]}"


FINISH_SAYS = {
    "java": "java.io.IOException: nobody listens",
    "c": "it returned 7",
    "go": "nobody listens",
    "rust": "nobody listens",
}


@pytest.mark.parametrize("language", LANGUAGES)
async def test_hooks_before_a_restore(
    c: Compile, tmp_path: Path, language: str, caplog: pytest.LogCaptureFixture
) -> None:
    """They see what a request left, the last one first; one that fails keeps no other from its turn."""
    flag, written = tmp_path / "flag", tmp_path / "flag.log"
    written.touch()
    function = Function.from_command(hooked(language, c, flag))
    async with Pool(function, workers=1, jail="none") as pool:
        at_start = len(written.read_text().splitlines())
        for _ in range(5):
            assert (await pool.invoke({})).value["order"] == "before-2 before-1 after-1 after-2"
        (tmp_path / "flag.fails").touch()
        await pool.invoke({})
        assert (await pool.invoke({})).value["order"] == "before-2 before-1 after-1 after-2"
        assert pool.stats().retirements.keys() <= {"superseded"}
    left = written.read_text().splitlines()[at_start:]
    assert set(left) == {"before-2 before-1 after-1 after-2 finish"}
    assert len(left) >= 7, "each, and those of a successor's rehearsal"
    assert FINISH_SAYS[language] in caplog.text


@pytest.mark.parametrize("language", LANGUAGES)
async def test_what_an_audit_asks_is_not_for_the_function(c: Compile, language: str) -> None:
    argv = helped(language, c, EXAMPLES, "tickets")
    async with Pool(Function.from_command(argv)) as pool:
        assert (await pool.control(DRAW)).value == {}


@pytest.mark.parametrize("language", LANGUAGES)
async def test_answers(c: Compile, tmp_path: Path, language: str) -> None:
    """Large ones, those that failed, and what was printed on the way."""
    function = Function.from_command(hooked(language, c, tmp_path / "flag"))
    async with Pool(function, workers=1, verify=True) as pool:
        for size in (1, 10_000, 3_000_000):
            reply = await pool.invoke({"text": "é" * size})
            assert not reply.raised, "though some end by a line break"
            assert reply.stderr == "err"
            assert int(reply.stdout.removeprefix("out of ")) > size
        reply = await pool.invoke({"fail": True})
        assert reply.raised
        assert reply.value == {"error": 'said "no"\n'}
        assert (await pool.invoke({})).stderr == "err"
        assert pool.stats().retirements.keys() <= {"superseded"}


@pytest.mark.parametrize(
    ("language", "logged"), [("go", "panic: out of order\n"), ("rust", "\nout of order\n")]
)
async def test_a_panic_is_an_answer(c: Compile, tmp_path: Path, language: str, logged: str) -> None:
    async with Pool(Function.from_command(hooked(language, c, tmp_path / "flag"))) as pool:
        reply = await pool.invoke({"panic": True})
        assert (reply.raised, reply.value) == (True, {"error": "out of order"})
        assert logged in reply.stderr
        assert pool.stats().retirements == {}


async def test_resources_of_crac() -> None:
    """The stand-in finds our package as the real one does."""
    drawn = await draws(programs.java("Resources", OPENS, "-Dorg.crac.Core.Compat=groundhog.crac"), 4)
    assert set(drawn["order"]) == {"before-2 before-1 after-1 after-2"}


@pytest.mark.parametrize("language", LANGUAGES)
async def test_examples(c: Compile, language: str) -> None:
    drawn = await draws(helped(language, c, EXAMPLES, "tickets"), 50)
    assert drawn.keys() == {"ticket", "number"}
    assert repeating(drawn) == set()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can choose the user of a function")
@pytest.mark.may_skip("an unprivileged run cannot become somebody else")
async def test_as_another_user() -> None:
    """One that may not open the pipe of the answers anew."""
    assert await draws(programs.java("Tickets"), 2, uid=NOBODY)
