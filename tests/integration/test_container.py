"""What a container without privileges is refused, and what the shipped seccomp profile mends."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from tests.framework import containers

if TYPE_CHECKING:
    from collections.abc import Callable

    Test = TypeVar("Test", bound=Callable[..., None])
    Contain = Callable[..., subprocess.CompletedProcess[str]]

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "packaging" / "container" / "seccomp.json"
MAKER = ROOT / "packaging" / "container" / "make_seccomp_profile.py"
ENGINE = ("userfaultfd", "pidfd_getfd", "kcmp")
GROUNDHOG = [sys.executable, "-m", "groundhog.cli"]
FINDINGS = str(ROOT / "examples" / "python" / "findings.py")
AUDIT = {"account": "ada", "buckets": [{"name": "photos", "public": True}]}
PRICES = str(ROOT / "examples" / "nodejs" / "prices.js")

# Makes the call of this number with these arguments; its exit code is errno.
CALL = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
pid = os.getpid()
arguments = [ctypes.c_long(pid if word == "self" else int(word)) for word in sys.argv[1:]]
sys.exit(ctypes.get_errno() if libc.syscall(*arguments) == -1 else 0)
"""
EPERM = 1


def profile(*, without: tuple[str, ...] = ()) -> dict[str, Any]:
    """The shipped profile less what it allows by these names."""
    made: dict[str, Any] = json.loads(SHIPPED.read_text("utf-8"))
    made["syscalls"] = [rule for rule in made["syscalls"] if not set(rule["names"]) & set(without)]
    return made


def make(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(MAKER), *words], capture_output=True, text=True, check=False)


@pytest.fixture
def contain(tmp_path: Path) -> Contain:
    """Run a command in a container: ``contain(words, seccomp=profile)``."""
    if os.geteuid() != 0:
        pytest.skip("runc starts containers as root only")
    numbers = itertools.count()

    def start(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        return containers.run(tmp_path / f"bundle-{next(numbers)}", command, **options)

    return start


def container_test(function: Test) -> Test:
    leave = pytest.mark.may_skip("runc starts containers as root only; the build server is root")
    marked: Test = pytest.mark.kernel(leave(function))
    return marked


def invoke(target: str, payload: dict[str, Any], *options: str) -> list[str]:
    return [*GROUNDHOG, "invoke", target, "--payload", json.dumps(payload), "-n", "2", "--json", *options]


def served(result: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    assert result.returncode == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_the_shipped_profile_is_what_its_maker_makes() -> None:
    made = make()
    assert (made.returncode, made.stdout) == (0, SHIPPED.read_text("utf-8"))


def test_the_shipped_profile_needs_nobody_to_read_conditions() -> None:
    """Runtimes that know no conditions would take a rule with one for a rule without."""
    made = profile()
    assert made["defaultAction"] == "SCMP_ACT_ERRNO"
    assert {key for rule in made["syscalls"] for key in rule} == {
        "names",
        "action",
        "comment",
        "args",
        "errnoRet",
    }


def test_adding_to_another_profile(tmp_path: Path) -> None:
    """What that profile says of everything else stays; what it refuses of ours goes."""
    capable = {
        "names": ["kcmp", "ptrace"],
        "action": "SCMP_ACT_ALLOW",
        "includes": {"caps": ["CAP_SYS_PTRACE"]},
    }
    refusals = [
        {"names": ["swapon", "userfaultfd"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1},
        {"names": ["kcmp"], "action": "SCMP_ACT_ERRNO", "excludes": {"caps": ["CAP_SYS_PTRACE"]}},
    ]
    path = tmp_path / "theirs.json"
    archs = [{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86"]}]
    theirs = {"defaultAction": "SCMP_ACT_KILL", "archMap": archs, "syscalls": [capable, *refusals]}
    path.write_text(json.dumps(theirs), "utf-8")
    made = make("--add-to", str(path))
    assert made.returncode == 0, made.stderr
    ours = [rule for rule in profile()["syscalls"] if rule["names"][0] in ENGINE]
    assert len(ours) == len(ENGINE)
    assert json.loads(made.stdout) == {
        **theirs,
        "syscalls": [capable, {"names": ["swapon"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1}, *ours],
    }


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": 3}'])
def test_adding_to_what_is_no_profile(tmp_path: Path, text: str) -> None:
    path = tmp_path / "theirs.json"
    path.write_text(text, "utf-8")
    made = make("--add-to", str(path))
    assert (made.returncode, made.stdout) == (1, "")
    assert len(made.stderr.splitlines()) == 1
    assert str(path) in made.stderr


@container_test
def test_the_containers_have_no_privileges(contain: Contain) -> None:
    """The other tests would say little otherwise."""
    result = contain(["cat", "/proc/self/status"], seccomp=profile())
    status = dict(line.split(":\t", 1) for line in result.stdout.splitlines() if ":\t" in line)
    assert status["Uid"].split() == [str(containers.NOBODY)] * 4
    assert {int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {0}
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")


@container_test
def test_without_a_profile_of_ours_nothing_is_served(contain: Contain) -> None:
    """Under the rules that container platforms have by default."""
    default = profile(without=ENGINE)
    result = contain([*GROUNDHOG, "doctor", "--json"], seccomp=default)
    assert result.returncode == 1, result.stderr
    said = json.loads(result.stdout)
    findings = {finding["name"]: finding for finding in said["findings"]}
    assert (said["usable"], said["strategy"]) == (False, None)
    assert {name: findings[name]["works"] for name in ("ptrace", "inspection", "write-protect")} == {
        "ptrace": True,
        "inspection": False,
        "write-protect": False,
    }
    for name, calls in {"inspection": ("pidfd_getfd", "kcmp"), "write-protect": ("userfaultfd",)}.items():
        assert "not permitted" in findings[name]["detail"]
        assert str(SHIPPED.relative_to(ROOT)) in findings[name]["remedy"]
        assert all(call in findings[name]["remedy"] for call in calls)
    for_people = contain([*GROUNDHOG, "doctor"], seccomp=default).stdout
    assert "Functions cannot be isolated on this machine." in for_people
    assert findings["inspection"]["remedy"] in for_people

    result = contain(invoke(FINDINGS, AUDIT), seccomp=default)
    assert (result.returncode, result.stdout) == (1, "")
    assert "Traceback" not in result.stderr
    last = result.stderr.splitlines()[-1]
    assert last.startswith("groundhog: ")
    assert "inspection" in last
    assert "groundhog doctor" in last


@container_test
def test_without_userfaultfd_everything_is_compared(contain: Contain) -> None:
    """A slower strategy takes over, visibly; forced by name the faster one is an error."""
    refusing = profile(without=("userfaultfd",))
    said = json.loads(contain([*GROUNDHOG, "doctor", "--json"], seccomp=refusing).stdout)
    assert said["usable"]
    assert said["strategy"] in {"copy", "soft-dirty"}
    assert "userfaultfd" in said["strategies"]["hot"]
    lines = served(contain(invoke(FINDINGS, AUDIT, "--verify"), seccomp=refusing))
    assert [line["value"]["findings"] for line in lines] == [["ada: bucket photos is public"]] * 2
    assert {line["restore"]["strategy"] for line in lines} == {said["strategy"]}

    forced = contain(invoke(FINDINGS, AUDIT, "--strategy", "hot"), seccomp=refusing)
    assert (forced.returncode, forced.stdout) == (1, "")
    assert "userfaultfd" in forced.stderr.splitlines()[-1]


@container_test
def test_with_the_shipped_profile_requests_are_isolated(contain: Contain) -> None:
    """The example does leak there when it is not isolated."""
    ours = profile()
    assert json.loads(contain([*GROUNDHOG, "doctor", "--json"], seccomp=ours).stdout)["strategy"] == "hot"
    lines = served(contain(invoke(FINDINGS, AUDIT, "--verify"), seccomp=ours))
    assert [len(line["value"]["findings"]) for line in lines] == [1, 1]
    assert [(line["restore"]["strategy"], line["restore"]["verified"]) for line in lines] == [
        ("hot", True)
    ] * 2
    leaking = served(contain(invoke(FINDINGS, AUDIT, "--isolation", "off"), seccomp=ours))
    assert [len(line["value"]["findings"]) for line in leaking] == [1, 2]


@container_test
def test_a_function_with_several_threads(contain: Contain) -> None:
    lines = served(
        contain(invoke(PRICES, {"customer": "ada", "product": "gear"}, "--verify"), seccomp=profile())
    )
    assert lines[0]["value"] == lines[1]["value"]
    assert {line["restore"]["strategy"] for line in lines} == {"hot"}


@container_test
@pytest.mark.parametrize(
    ("call", "refused"),
    [
        pytest.param(["323", "1"], False, id="userfaultfd, faults in user mode"),
        pytest.param(["323", "0"], True, id="userfaultfd, all faults"),
        pytest.param(["312", "self", "self", "0", "0", "0"], False, id="kcmp, files"),
        pytest.param(["312", "self", "self", "1", "0", "0"], True, id="kcmp, memory"),
    ],
)
def test_the_shipped_profile_allows_no_more(contain: Contain, call: list[str], *, refused: bool) -> None:
    """As root with CAP_SYS_PTRACE the kernel allows all of these: it is the profile that refuses."""
    command = [sys.executable, "-c", CALL, *call]
    for seccomp, expected in ((None, 0), (profile(), EPERM if refused else 0)):
        result = contain(command, seccomp=seccomp, user=0, capabilities=["CAP_SYS_PTRACE"])
        assert (result.returncode, result.stderr) == (expected, "")


ASKS = """
import json, subprocess, sys, time, urllib.error, urllib.request

def ask(path, value):
    request = urllib.request.Request("http://127.0.0.1:8080" + path, json.dumps(value).encode())
    return json.loads(urllib.request.urlopen(request, timeout=30).read())

server = subprocess.Popen(sys.argv[1:])
code = "seen = []\\ndef main(params):\\n    seen.append(params['name'])\\n    return {'seen': seen}\\n"
for left in reversed(range(300)):
    try:
        ask("/init", {"value": {"name": "f", "main": "main", "binary": False, "code": code}})
        break
    except urllib.error.URLError:  # it does not listen yet
        if not left:
            raise
        time.sleep(0.1)
seen = [ask("/run", {"value": {"name": name}})["seen"] for name in ("Ada", "Bob")]
server.terminate()
print("answers", json.dumps(seen), server.wait(30))
"""


@pytest.mark.slow
@pytest.mark.timeout(600)
@container_test
def test_the_image_serves_actions_by_itself(tmp_path: Path) -> None:
    image = containers.build(tmp_path)
    assert image.user == f"{containers.NOBODY}:{containers.NOBODY}"

    def run(name: str, *words: str) -> subprocess.CompletedProcess[str]:
        return containers.run(tmp_path / name, words, seccomp=profile(), image=image)

    doctor = run("doctor", "groundhog", "doctor", "--json")
    assert doctor.returncode == 0, doctor.stdout + doctor.stderr
    asked = run("asked", "python3", "-c", ASKS, *image.command)
    assert 'answers [["Ada"], ["Bob"]] 0' in asked.stdout, asked.stdout + asked.stderr
