"""``groundhog openwhisk`` with archives: the attacks, the broken ones, and whose the code is."""

from __future__ import annotations

import base64
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from groundhog.audit.dropped import NOBODY
from groundhog.platforms.openwhisk import CANNOT_START
from tests.framework import containers
from tests.framework.archives import ATTACKS, BROKEN, FILE, LINK, REG, SYM, tar_of, zip_of, zipped
from tests.framework.commands import NO_CERTIFICATES, Served, served

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.kernel
SENTINEL = "XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX"
CANNOT = "the action's archive cannot be unpacked: it "
# The process that unpacks is shut in by Landlock, or where that is missing by a user namespace.
JAILS = pytest.mark.parametrize("without", ["namespaces", "landlock"])
WRITING = [name for name in ATTACKS if "chain of three" in name or "later link" in name or "CVE" in name]
"""Those that wrote outside of the folder, or made a link that leads there, while links were judged singly."""
ECHO = b"def main(args):\n    return args\n"


@pytest.fixture
def scratch() -> Iterator[Path]:
    """The folder for temporary files of a server, which every user may enter and write to.

    The attacks lead to ``outside`` in it, one level up from the folder of the action.
    """
    with tempfile.TemporaryDirectory(prefix="groundhog-test-") as root:
        folder = Path(root)
        folder.chmod(0o1777)
        outside = folder / "outside"
        outside.mkdir()
        outside.chmod(0o777)
        victim = outside / "victim"
        victim.write_text("as it was")
        victim.chmod(0o666)
        yield folder
        assert found(folder) == ["outside", "outside/victim"]
        assert victim.read_text() == "as it was"


def found(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def init(server: Served, code: bytes | str, **members: Any) -> httpx.Response:
    binary = isinstance(code, bytes)
    text = base64.b64encode(code).decode() if isinstance(code, bytes) else code
    value = {"name": "action", "main": "main", "code": text, "binary": binary, **members}
    return httpx.post(server.url + "/init", json={"value": value}, timeout=60, verify=NO_CERTIFICATES)


def run(server: Served, value: dict[str, Any]) -> Any:
    response = httpx.post(server.url + "/run", json={"value": value}, timeout=60, verify=NO_CERTIFICATES)
    assert response.status_code == 200, response.text
    return response.json()


def logs(server: Served) -> tuple[list[str], list[str]]:
    """End the server; what it wrote to stdout and to stderr."""
    assert server.stop() == 0
    assert server.process.stdout is not None
    return server.process.stdout.read().splitlines(), server.log.splitlines()


@JAILS
def test_no_archive_writes_outside_or_leaves_anything(scratch: Path, without: str) -> None:
    """Many to one container, which stays as good as new; then one that is sound."""
    archives = {name: ATTACKS[name] for name in WRITING} | {name: BROKEN[name] for name in list(BROKEN)[1::4]}
    with served("openwhisk", env={"TMPDIR": str(scratch), "GROUNDHOG_WITHOUT": without}) as server:
        for name, data in archives.items():
            response = init(server, data)
            assert response.status_code == 502, name
            assert response.json()["error"].startswith(f"{CANNOT_START}{CANNOT}"), name
            assert found(scratch) == ["outside", "outside/victim"], name
        assert init(server, zipped({"__main__.py": ECHO})).json() == {"ok": True}
        assert run(server, {"a": 1}) == {"a": 1}
        stdout, stderr = logs(server)
    assert stdout == [SENTINEL] * (len(archives) + 1)
    assert stderr.count(SENTINEL) == len(archives) + 1
    assert len([line for line in stderr if line.startswith(CANNOT)]) == len(archives)


def test_without_any_jail_no_archive_is_unpacked(scratch: Path) -> None:
    env = {"TMPDIR": str(scratch), "GROUNDHOG_WITHOUT": "landlock,namespaces"}
    with served("openwhisk", env=env) as server:
        response = init(server, zipped({"__main__.py": ECHO}))
        assert response.status_code == 502
        assert response.json()["error"].startswith(f"{CANNOT_START}no jail for functions works on this")
        logs(server)


@JAILS
@pytest.mark.may_skip("only root can run functions as somebody else")
def test_attacks_as_another_user(scratch: Path, without: str) -> None:
    """Everything outside may be written by that user, too: it is not its rights that keep it away."""
    if os.geteuid() != 0:
        pytest.skip("only root can run functions as somebody else")
    env = {"TMPDIR": str(scratch), "GROUNDHOG_WITHOUT": without}
    with served("openwhisk", "--uid", str(NOBODY), "--jail", "none", env=env) as server:
        for name in WRITING:
            response = init(server, ATTACKS[name])
            assert response.json()["error"].startswith(f"{CANNOT_START}{CANNOT}"), name
            assert found(scratch) == ["outside", "outside/victim"], name
        logs(server)


# It says who it is, whose its program is, and what it can run.
WHOSE = r"""#!/bin/sh
echo '{"ok":true}' >&3
while read -r line; do
    printf '{"user": %s, "owner": %s, "helper": "%s"}\n' $(id -u) $(stat -L -c %u exec) "$(lib/helper)" >&3
done
"""
HELPER = b"#!/bin/sh\necho hello\n"
CODES: dict[str, bytes | str] = {
    "zip": zip_of(
        ("bin/program", FILE, WHOSE.encode()),
        ("lib/helper", FILE | 0o111, HELPER),
        ("exec", LINK, b"bin/program"),
    ),
    "tar": tar_of(
        ("exec", SYM, "bin/program"), ("bin/program", REG, WHOSE.encode()), ("lib/helper", REG, HELPER)
    ),
    "one file": WHOSE.encode(),
    "source": WHOSE,
}


@JAILS
@pytest.mark.parametrize("form", CODES)
@pytest.mark.may_skip("only root can run functions as somebody else")
def test_the_code_is_the_function_s_user_s(scratch: Path, without: str, form: str) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can run functions as somebody else")
    env = {"TMPDIR": str(scratch), "GROUNDHOG_WITHOUT": without}
    with served("openwhisk", "--runtime", "command", "--uid", str(NOBODY), env=env) as server:
        assert init(server, CODES[form]).json() == {"ok": True}
        (folder,) = scratch.glob("groundhog-action-*")
        assert {path.lstat().st_uid for path in [folder, *folder.rglob("*")]} == {NOBODY}
        said = run(server, {})
        assert (said["user"], said["owner"]) == (NOBODY, NOBODY)
        assert said["helper"] == ("hello" if form == "zip" else ""), "only there it may be executed"
        logs(server)


def test_a_link_of_a_virtual_environment_leads_outside_for_the_function_alone(scratch: Path) -> None:
    """It is made, and nobody but the function follows it: not to load the code, not to remove it."""
    code = zip_of(
        (
            "__main__.py",
            FILE,
            b"import os\ndef main(args):\n    return {'link': os.readlink('virtualenv/bin/python3')}\n",
        ),
        ("virtualenv/bin/python3", LINK, b"/usr/bin/python3"),
        ("virtualenv/bin/python", LINK, b"python3"),
        ("virtualenv/bin/activate_this.py", FILE, b""),
        ("virtualenv/lib/outside", LINK, str(scratch / "outside").encode()),
    )
    with served("openwhisk", env={"TMPDIR": str(scratch)}) as server:
        assert init(server, code).json() == {"ok": True}
        assert run(server, {}) == {"link": "/usr/bin/python3"}
        logs(server)


ACTIVATE = b"""
import os, site, sys
base = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
site.addsitedir(os.path.join(base, "lib/python3/site-packages"))
sys.prefix = base
"""
USES_ENVIRONMENT = b"""
import os, installed, sys
def main(args):
    return {"installed": installed.VALUE, "prefix": os.path.basename(sys.prefix)}
"""


def test_a_virtual_environment_is_activated(scratch: Path) -> None:
    code = zip_of(
        ("__main__.py", FILE, USES_ENVIRONMENT),
        ("virtualenv/bin/activate_this.py", FILE, ACTIVATE),
        ("virtualenv/lib/python3/site-packages/installed.py", FILE, b"VALUE = 1"),
    )
    with served("openwhisk", env={"TMPDIR": str(scratch)}) as server:
        assert init(server, code).json() == {"ok": True}
        for _ in range(2):
            assert run(server, {}) == {"installed": 1, "prefix": "virtualenv"}
        logs(server)


def test_one_that_cannot_be_activated_is_said_to_be_invalid(scratch: Path) -> None:
    code = zip_of(
        ("__main__.py", FILE, USES_ENVIRONMENT), ("virtualenv/bin/python", LINK, b"/usr/bin/python3")
    )
    with served("openwhisk", env={"TMPDIR": str(scratch)}) as server:
        response = init(server, code)
        assert response.status_code == 502
        assert "Invalid virtualenv. Zip file does not include 'activate_this.py'." in response.json()["error"]
        logs(server)


@pytest.mark.parametrize("name", ["__main__.py", "index.js", "exec"])
def test_no_code_is_loaded_through_a_link_of_a_virtual_environment(scratch: Path, name: str) -> None:
    """The supervisor looks into it, as somebody who may read more than the function."""
    runtime = {"__main__.py": "python", "index.js": "nodejs", "exec": "command"}[name]
    code = zip_of(("virtualenv/x", LINK, b"/etc/shadow"), (name, LINK, b"virtualenv/x"))
    with served("openwhisk", "--runtime", runtime, env={"TMPDIR": str(scratch)}) as server:
        response = init(server, code)
        assert response.status_code == 502
        assert response.json()["error"] == (
            f"{CANNOT_START}{CANNOT}has the link '{name}' to 'virtualenv/x', outside of the action by"
            " way of other links"
        )
        logs(server)


# What a container without rights answers to archives, one after the other, and what is in its /tmp then.
IN_A_CONTAINER = """
import json, os, subprocess, sys, urllib.error, urllib.request
words = [sys.executable, "-m", "groundhog.cli", "openwhisk", "--port", "0", "--host", "127.0.0.1"]
env = {**os.environ, "PYTHONPATH": sys.argv[1]}
server = subprocess.Popen(words, env=env, stdout=subprocess.PIPE, text=True)
url = server.stdout.readline().split()[-1]
said = []

def post(path, value):
    body = json.dumps({"value": value}).encode()
    request = urllib.request.Request(url + path, body, {"content-type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        return json.load(error)

here = {"outside", *os.listdir("/tmp")}  # where the checkout lies, if that is below it
os.mkdir("/tmp/outside")
for code in sys.argv[2:]:
    answer = post("/init", {"name": "action", "code": code, "binary": True})
    said.append([answer, sorted({*os.listdir("/tmp")} ^ here)])
said.append([post("/run", {"a": 1}), os.listdir("/tmp/outside")])
server.terminate()
said.append([server.wait(60), sorted({*os.listdir("/tmp")} ^ here)])
print(json.dumps(said))
"""


@pytest.mark.may_skip("runc starts containers as root only; the build server is root")
def test_attacks_in_a_container_without_rights(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("runc starts containers as root only")
    archives = [*(ATTACKS[name] for name in WRITING), zipped({"__main__.py": ECHO})]
    codes = [base64.b64encode(data).decode() for data in archives]
    command = [sys.executable, "-c", IN_A_CONTAINER, str(ROOT / "python"), *codes]
    profile = json.loads((ROOT / "packaging" / "container" / "seccomp.json").read_text("utf-8"))
    done = containers.run(tmp_path / "bundle", command, seccomp=profile)
    assert done.returncode == 0, done.stderr
    *refused, accepted, answered, ended = json.loads(done.stdout.splitlines()[-1])
    assert len(refused) == len(WRITING)
    for (answer, left), name in zip(refused, WRITING, strict=True):
        assert answer["error"].startswith(f"{CANNOT_START}{CANNOT}"), name
        assert left == [], name
    assert accepted[0] == {"ok": True}
    assert answered == [{"a": 1}, []]
    assert ended == [0, []]
