"""``groundhog doctor``: the verdict on machines that have all, some and none of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from groundhog.cli import doctor, main

if TYPE_CHECKING:
    from collections.abc import Callable

Machine = dict[str, Any]


def machine(
    *,
    ptrace: bool = True,
    write_protect: bool = True,
    soft_dirty: bool = False,
    namespaces: bool = True,
    network_namespace: bool = True,
    landlock: bool = True,
    scoping: bool = True,
    unix_diag: bool = True,
    server_guard: bool = True,
    huge_pages: bool = True,
) -> Machine:
    """What the engine would find on such a machine."""
    works = {
        "ptrace": ptrace,
        "write-protect": write_protect,
        "soft-dirty": soft_dirty,
        "namespaces": namespaces,
        "network-namespace": network_namespace,
        "landlock": landlock,
        "scoping": scoping,
        "unix-diag": unix_diag,
        "server-guard": server_guard,
        "huge-pages": huge_pages,
    }
    tracked = None if write_protect else "write-protect tracking: ENOSYS; use Linux 6.7"
    return {
        "kernel": "6.18.0",
        "findings": [
            {
                "name": name,
                "works": found,
                "detail": "works" if found else "ENOSYS",
                "remedy": f"get {name}",
                "essential": name == "ptrace",
            }
            for name, found in works.items()
        ],
        "strategies": {
            "hot": tracked,
            "classic": tracked,
            "soft-dirty": None if soft_dirty else "soft-dirty tracking: EINVAL; use another kernel",
            "copy": None,
        },
        "jails": {
            "namespace": None if namespaces else "namespaces: EPERM; get namespaces",
            "landlock": None if landlock else "landlock: ENOSYS; get landlock",
        },
        "networks": {
            "host": None,
            "none": None if network_namespace else "network-namespace: EROFS; get network-namespace",
        },
        "preferred_jail": "namespace" if namespaces else "landlock" if landlock else None,
        "preferred": "hot" if write_protect else "soft-dirty" if soft_dirty else "copy",
    }


@pytest.fixture
def on(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Run the doctor on a machine; its exit code and output."""

    def run(found: Machine, *options: str, failure: str | None = None) -> tuple[int, str]:
        monkeypatch.setattr(doctor, "capabilities", lambda: found)
        monkeypatch.setattr(doctor, "trial", lambda _: failure)
        code = main(["doctor", *options])
        captured = capsys.readouterr()
        assert captured.err == ""
        return code, captured.out

    return run


def test_a_machine_with_the_best_way_lacks_nothing(on: Callable[..., tuple[int, str]]) -> None:
    code, text = on(machine())
    assert code == 0
    assert "with the strategy hot" in text
    assert "get soft-dirty" not in text, "the older way would not be used"


def test_a_machine_with_the_older_way_is_told_of_the_better(on: Callable[..., tuple[int, str]]) -> None:
    code, text = on(machine(write_protect=False, soft_dirty=True))
    assert code == 0
    assert "with the strategy soft-dirty" in text
    assert "For write-protect: get write-protect." in text


def test_a_machine_that_can_only_copy(on: Callable[..., tuple[int, str]]) -> None:
    code, text = on(machine(write_protect=False))
    assert code == 0
    assert "with the strategy copy" in text
    assert "For write-protect: get write-protect." in text
    assert "For soft-dirty: get soft-dirty." in text


def test_the_jail_that_is_used_is_named(on: Callable[..., tuple[int, str]]) -> None:
    code, text = on(machine())
    assert code == 0
    assert "by the jail namespace" in text
    assert "get landlock" not in text, "the lesser jail would not be used"
    code, text = on(machine(namespaces=False))
    assert code == 0
    assert "by the jail landlock" in text
    assert "For namespaces: get namespaces." in text


def test_a_machine_without_networks_of_one_s_own(on: Callable[..., tuple[int, str]]) -> None:
    code, text = on(machine(network_namespace=False))
    assert code == 0
    assert "For --network none: get network-namespace." in text
    code, text = on(machine(namespaces=False, network_namespace=False))
    assert code == 0
    assert "For namespaces: get namespaces." in text
    assert "get network-namespace" not in text, "without namespaces it would be of no use"


def test_what_is_not_scoped_is_shown_and_what_to_do(on: Callable[..., tuple[int, str]]) -> None:
    code, text = on(machine(scoping=False))
    assert code == 0
    assert "For signals and abstract sockets to end at the jail: get scoping." in text
    _, text = on(machine(namespaces=False, landlock=False, scoping=False))
    assert "get scoping" not in text, "there is no jail at which they could end"


def test_a_kernel_that_does_not_tell_where_unix_sockets_lead(on: Callable[..., tuple[int, str]]) -> None:
    code, text = on(machine(unix_diag=False))
    assert code == 0
    assert "For pairs of Unix sockets to be known for pairs without a doubt: get unix-diag." in text


def test_a_kernel_that_lets_nobody_guard_a_server(on: Callable[..., tuple[int, str]]) -> None:
    code, text = on(machine(server_guard=False))
    assert code == 0
    assert "For servers of HTTP on the machine's network: get server-guard." in text


FIRST = "Isolation here: memory and kernel state of the process reverted after each request (strategy hot)"
NAMESPACES = (
    "files reverted, in private overlays, the rest of the file system read-only; user, mount and IPC"
    " namespaces of its own, no capabilities, a seccomp filter"
)
LANDLOCK = (
    "files reverted, in one private folder, writes elsewhere refused by Landlock; no capabilities, a seccomp"
    " filter, but the machine's own namespaces"
)
SCOPED = "signals and abstract sockets end at the jail"
UNSCOPED = "NOT CONFINED: signals and abstract sockets of its user's other processes"
NETWORKS = "the machine's network, or none (--network none)"


@pytest.mark.parametrize(
    ("lacks", "said"),
    [
        ((), (FIRST, NAMESPACES, SCOPED, NETWORKS)),
        (("network_namespace",), (FIRST, NAMESPACES, SCOPED, "the machine's network")),
        (("scoping",), (FIRST, NAMESPACES, UNSCOPED, NETWORKS)),
        (("namespaces", "network_namespace"), (FIRST, LANDLOCK, SCOPED, "the machine's network")),
        (
            ("namespaces", "network_namespace", "landlock", "scoping"),
            (FIRST, "NOT CONFINED: no jail works, it reaches and leaves what its user may"),
        ),
    ],
)
def test_one_line_for_those_who_judge_it(
    on: Callable[..., tuple[int, str]], lacks: tuple[str, ...], said: tuple[str, ...]
) -> None:
    found = machine(**dict.fromkeys(lacks, False))
    line = "; ".join(said) + "."
    assert line in on(found)[1].splitlines()
    assert json.loads(on(found, "--json")[1])["isolation"] == line


def test_a_machine_of_no_use_promises_nothing(on: Callable[..., tuple[int, str]]) -> None:
    found = machine(ptrace=False)
    assert "Isolation here" not in on(found)[1]
    assert json.loads(on(found, "--json")[1])["isolation"] is None


def test_a_machine_without_any_jail(on: Callable[..., tuple[int, str]]) -> None:
    code, text = on(machine(namespaces=False, landlock=False))
    assert code == 0
    assert "No jail works here" in text
    assert "For namespaces: get namespaces." in text
    assert "For landlock: get landlock." in text


def test_a_machine_without_ptrace_is_of_no_use(on: Callable[..., tuple[int, str]]) -> None:
    code, text = on(machine(ptrace=False))
    assert code == 1
    assert "cannot be isolated" in text
    assert "To use Groundhog at all: get ptrace." in text


def test_a_machine_on_which_only_the_whole_fails(on: Callable[..., tuple[int, str]]) -> None:
    code, text = on(machine(), failure="no more signals")
    assert code == 1
    assert "Functions cannot be isolated on this machine." in text
    assert "A small program could not be started and reverted: no more signals." in text
    assert "Isolation here" not in text
    code, text = on(machine(), "--json", failure="no more signals")
    assert code == 1
    made = json.loads(text)
    assert (made["usable"], made["strategy"], made["failure"]) == (False, None, "no more signals")
    assert json.loads(on(machine(), "--json")[1])["failure"] is None


@pytest.mark.parametrize(("ptrace", "strategy"), [(True, "hot"), (False, None)])
def test_json(on: Callable[..., tuple[int, str]], ptrace: bool, strategy: str | None) -> None:
    found = machine(ptrace=ptrace)
    code, text = on(found, "--json")
    made = json.loads(text)
    assert code == (0 if ptrace else 1)
    assert made["usable"] is ptrace
    assert made["strategy"] == strategy
    assert found.items() <= made.items()
    assert made["runtimes"].keys() == {"python", "nodejs"}
