"""The supervisor's side: as whom archives are unpacked, how long that may take, and what a failure leaves."""

from __future__ import annotations

import lzma
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import time
import tracemalloc
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from groundhog.archives import unpacker as module
from groundhog.archives.order import ArchiveLimits
from groundhog.archives.unpacker import Unpacker
from groundhog.audit.dropped import NOBODY
from groundhog.config import Jail
from groundhog.errors import ConfigError, GroundhogError, PoolClosedError, UnsupportedError
from tests.framework.archives import FILE, LINK, LNK, REG, SYM, tar_of, tarred, zip_of, zipped

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.kernel, pytest.mark.usefixtures("no_leaks")]
GOOD = zip_of(("a/f", FILE, b"contents"), ("exec", LINK, b"a/f"))
CANNOT = "the action's archive cannot be unpacked: "


@pytest.fixture(params=["landlock", "namespace"])
def means(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each of what the process may be shut in by; both work where the tests run."""
    means: str = request.param
    monkeypatch.setattr(module, "_means", lambda _: means)
    return means


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """One that any user may enter."""
    with tempfile.TemporaryDirectory(prefix="groundhog-unpacker-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.mark.usefixtures("means")
@pytest.mark.parametrize(
    "pack",
    [zipped, *(lambda files, kind=kind: tarred(files, kind) for kind in ("w", "w:gz", "w:bz2", "w:xz"))],
)
def test_every_format_can_be_read_in_the_sandbox(tmp_path: Path, pack: Any) -> None:
    """Nothing that its reader needs may have to be imported there."""
    Unpacker().unpack(pack({"ä/ö": b"x" * 300_000, "f": b""}), tmp_path, "single")
    assert (tmp_path / "ä" / "ö").read_bytes() == b"x" * 300_000


@pytest.mark.usefixtures("means")
def test_every_kind_of_member(tmp_path: Path) -> None:
    data = tar_of(("./a/b/f", REG, b"x"), ("c/h", LNK, "a/b/f"), ("l", SYM, "c/h"), ("exec", SYM, "l"))
    Unpacker().unpack(data, tmp_path, "single", program="exec")
    assert (tmp_path / "c" / "h").samefile(tmp_path / "a" / "b" / "f")
    assert os.access(tmp_path / "exec", os.X_OK)


def test_names_in_the_code_page_of_zip(tmp_path: Path) -> None:
    """Those without the mark of UTF-8 are in code page 437, whose table is a module."""
    data = zip_of(("name-\u00fc", FILE, b"x")).replace("\u00fc".encode(), b"\x81\x81")
    flags = struct.pack("<H", 0x800)
    assert data.count(flags) >= 2
    data = data.replace(b"\x14\x00" + flags, b"\x14\x00\x00\x00")
    Unpacker().unpack(data, tmp_path, "single")
    assert [path.name for path in tmp_path.iterdir()] == ["name-üü"]


@pytest.mark.may_skip("only root can become somebody else")
def test_as_another_user(open_folder: Path, means: str) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    folder = open_folder / "folder"
    folder.mkdir(mode=0o700)
    Unpacker(uid=NOBODY).unpack(GOOD, folder, "single", program="exec")
    owners = {(path.lstat().st_uid, path.lstat().st_gid) for path in [folder, *folder.rglob("*")]}
    assert owners == {(NOBODY, 65534)}, means
    assert os.access(folder / "exec", os.X_OK)


REFUSALS: dict[str, type[GroundhogError]] = {
    "landlock": ConfigError,  # it cannot write there
    "namespace": UnsupportedError,  # that cannot become its root
}


@pytest.mark.may_skip("only root can become somebody else")
def test_the_user_s_rights_are_the_process_s(open_folder: Path, means: str) -> None:
    """Root would write into a folder that the user may not enter."""
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    folder = open_folder / "folder"
    folder.mkdir()
    # Once it is handed over, nobody may write there.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fchown", lambda descriptor, *_: os.fchmod(descriptor, 0o700))
        with pytest.raises(REFUSALS[means], match="Permission denied"):
            Unpacker(uid=NOBODY).unpack(GOOD, folder, "single")
    assert list(folder.iterdir()) == [], means


@pytest.mark.usefixtures("means")
def test_a_deadline(tmp_path: Path) -> None:
    began = time.monotonic()
    with pytest.raises(
        ConfigError, match=f"^{CANNOT}it took more than 0.001 s; if it needs longer, raise --start-timeout$"
    ):
        Unpacker(deadline_s=0.001).unpack(GOOD, tmp_path, "single")
    assert time.monotonic() - began < 30
    assert list(tmp_path.iterdir()) == []


def slow_child(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    monkeypatch.setattr(module, "_CHILD", code)


def test_what_is_half_done_at_the_deadline_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow_child(
        monkeypatch,
        "import json, os, sys, time; order = json.loads(sys.argv[2])\n"
        "os.fchdir(order['folder']); os.mkdir('half'); os.symlink('/etc', 'half/l')\n"
        "os.close(1); os.close(2); time.sleep(600)\n",
    )
    with pytest.raises(
        ConfigError, match=f"^{CANNOT}it took more than 1 s; if it needs longer, raise --start-timeout$"
    ):
        Unpacker(deadline_s=1).unpack(GOOD, tmp_path, "single")
    assert list(tmp_path.iterdir()) == []


def test_one_that_takes_too_much_processor_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its limit ends it, should its supervisor be unable to."""
    slow_child(
        monkeypatch,
        "import json, sys; sys.path.append(sys.argv.pop(1)); from groundhog.archives import child, sandbox\n"
        "real = sandbox._limit; sandbox._limit = lambda seconds, limits: real(1, limits)\n"
        "def extract(*_):\n    while True: pass\n"
        "child.extract = extract; child.main()\n",
    )
    with pytest.raises(
        ConfigError, match=rf"^{CANNOT}the process that unpacks it ended \(killed by signal (9|24)\)"
    ):
        Unpacker(deadline_s=30).unpack(GOOD, tmp_path, "single")


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("import sys; sys.exit(3)", r"ended \(exit code 3\): it said nothing"),
        ("import os; os.abort()", r"ended \(killed by signal 6\): it said nothing"),
        ("raise ValueError('no luck')", r"ended \(exit code 1\): ValueError: no luck"),
        ('print(\'{"done": ""}\'); import sys; sys.exit(1)', r"ended \(exit code 1\): .*done"),
        ("print('{\"done\": 1}')", r"ended \(exit code 0\): .*done"),
        ("print('[]')", r"ended \(exit code 0\): \[\]"),
        ("import os; os.write(1, bytes([255]))", "ended \\(exit code 0\\): \ufffd"),
    ],
)
def test_whatever_it_says_only_done_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, why: str
) -> None:
    slow_child(monkeypatch, code)
    with pytest.raises(ConfigError, match=f"^{CANNOT}the process that unpacks it {why}"):
        Unpacker().unpack(GOOD, tmp_path, "single")


def test_one_that_does_not_stop_talking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it says is read, or it would wait, but not kept."""
    slow_child(monkeypatch, "while True: print('x' * 100_000)")
    tracemalloc.start()
    with pytest.raises(
        ConfigError, match=f"^{CANNOT}it took more than 1 s; if it needs longer, raise --start-timeout$"
    ):
        Unpacker(deadline_s=1).unpack(GOOD, tmp_path, "single")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 1_000_000


def test_it_can_be_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slow_child(
        monkeypatch,
        "import json, os, sys, time; order = json.loads(sys.argv[2])\n"
        "os.mkdir('half', dir_fd=order['folder']); time.sleep(600)\n",
    )
    unpacker = Unpacker()
    caught: list[BaseException] = []

    def unpack() -> None:
        try:
            unpacker.unpack(GOOD, tmp_path, "single")
        except PoolClosedError as error:
            caught.append(error)

    thread = threading.Thread(target=unpack)
    thread.start()
    ends = time.monotonic() + 30
    while not (tmp_path / "half").exists():  # there is no event for it
        assert time.monotonic() < ends
    unpacker.stop()
    thread.join(30)
    assert [str(error) for error in caught] == ["the server is ending"]
    assert [path.name for path in tmp_path.iterdir()] == ["half"], "to be removed by who has time for it"
    other = tmp_path / "half"
    with pytest.raises(PoolClosedError):
        unpacker.unpack(GOOD, other, "single")
    assert list(other.iterdir()) == []


def with_a_dictionary_of(power: int, data: bytes) -> bytes:
    """An xz stream whose header asks for a dictionary of 2 << (power / 2 + 11) bytes (its format, 5.3.1)."""
    stream = bytearray(lzma.compress(data))
    size = (stream[12] + 1) * 4
    assert stream[14:16] == b"\x21\x01"
    stream[16] = power
    stream[12 + size - 4 : 12 + size] = struct.pack("<I", zlib.crc32(stream[12 : 12 + size - 4]))
    return bytes(stream)


def test_a_stream_that_needs_too_much_memory(tmp_path: Path) -> None:
    tar = tarred({"f": b"x"}, "w")
    Unpacker().unpack(with_a_dictionary_of(24, tar), tmp_path, "single")
    assert (tmp_path / "f").read_bytes() == b"x"
    other = tmp_path / "other"
    other.mkdir()
    with pytest.raises(ConfigError, match=f"^{CANNOT}to read it takes more than 512 MiB of memory$"):
        Unpacker().unpack(with_a_dictionary_of(38, tar), other, "single")


def test_a_folder_that_is_not_empty_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("as it was")
    for data in (GOOD, GOOD[:50]):
        with pytest.raises(ValueError, match=f"^{tmp_path} is not empty$"):
            Unpacker().unpack(data, tmp_path, "single")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("f", "as it was")]


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_bombs(tmp_path: Path, pack: Any) -> None:
    """A gibibyte and a byte of zeros; and a file more than may be."""
    with pytest.raises(
        ConfigError, match=rf"^{CANNOT}it unpacks to 2097153 bytes or more, more than the limit of"
    ):
        Unpacker().unpack(
            pack({"a": bytes(1 << 20), "b": bytes((1 << 20) + 1)}),
            tmp_path,
            "single",
            limits=ArchiveLimits(bytes=2 << 20),
        )
    with pytest.raises(ConfigError, match=f"^{CANNOT}it has more files and folders than the limit of 1000$"):
        Unpacker().unpack(
            pack({f"d/{number}": b"" for number in range(1000)}),
            tmp_path,
            "single",
            limits=ArchiveLimits(members=1000),
        )
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_removed_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(shutil, "rmtree", refuse)
    broken = zip_of(("a/f", FILE, b"x"), ("a/f", FILE, b"y"))
    with pytest.raises(ConfigError, match=rf"twice; some of it is still in {tmp_path}: Permission denied$"):
        Unpacker().unpack(broken, tmp_path, "single")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_removing_follows_no_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert shutil.rmtree.avoids_symlink_attacks
    folder, outside = tmp_path / "folder", tmp_path / "outside"
    folder.mkdir()
    outside.mkdir()
    (outside / "victim").write_text("as it was")
    slow_child(
        monkeypatch,
        "import json, os, sys; order = json.loads(sys.argv[2]); os.fchdir(order['folder'])\n"
        "os.makedirs('a/b'); os.symlink('../outside', 'l'); os.symlink('../../../outside', 'a/b/l')\n"
        "sys.exit(1)\n",
    )
    with pytest.raises(ConfigError):
        Unpacker().unpack(GOOD, folder, "single")
    assert list(folder.iterdir()) == []
    assert (outside / "victim").read_text() == "as it was"


def test_a_folder_that_is_a_link_is_none(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "f").write_text("as it was")
    (tmp_path / "folder").symlink_to("outside")
    with pytest.raises(ConfigError, match=rf"^{CANNOT}Not a directory: {tmp_path}/folder$"):
        Unpacker().unpack(GOOD, tmp_path / "folder", "single")
    assert [path.read_text() for path in (tmp_path / "outside").iterdir()] == ["as it was"]


# A machine without Landlock and user namespaces, found out too late: the answers of the first look are kept.
LATE = """
import ctypes, struct, sys, tempfile
from pathlib import Path
from groundhog._core import capabilities
from groundhog.archives.unpacker import Unpacker
from groundhog.errors import UnsupportedError
assert capabilities()["jails"]["landlock"] is None
steps = [(0x20, 0, 0, 0), (0x15, 0, 1, 444), (6, 0, 0, 0x50001), (6, 0, 0, 0x7FFF0000)]
words = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))
libc = ctypes.CDLL(None)
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, struct.pack("HxxxxxxP", len(steps), ctypes.addressof(words)), 0, 0) == 0
folder = Path(tempfile.mkdtemp())
try:
    Unpacker().unpack(Path(sys.argv[1]).read_bytes(), folder, "single")
except UnsupportedError as error:
    print(error)
assert list(folder.iterdir()) == []
folder.rmdir()
"""


def test_without_a_sandbox_nothing_is_unpacked(tmp_path: Path) -> None:
    (tmp_path / "archive").write_bytes(GOOD)
    done = subprocess.run(
        [sys.executable, "-c", LATE, str(tmp_path / "archive")], capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert done.stdout == (
        "no archive can be unpacked safely on this machine: the process that would do it cannot be shut in"
        " (Landlock: Operation not permitted); see `groundhog doctor`\n"
    )


@pytest.mark.parametrize(
    ("jails", "jail", "expected"),
    [
        ({"namespace": None, "landlock": None}, "auto", "landlock"),
        ({"namespace": None, "landlock": None}, "namespace", "landlock"),
        ({"namespace": None, "landlock": "is off"}, "landlock", "namespace"),
        ({"namespace": None, "landlock": "is off"}, "none", "namespace"),
        ({"namespace": "is off", "landlock": "is off"}, "none", None),
    ],
)
def test_what_shuts_it_in(
    monkeypatch: pytest.MonkeyPatch, jails: dict[str, str | None], jail: str, expected: str | None
) -> None:
    found = {"jails": jails, "preferred_jail": None}
    monkeypatch.setattr("groundhog._core.capabilities", lambda: found)
    assert module._means(Jail.parse(jail)) == expected


@pytest.mark.parametrize("jail", ["auto", "namespace", "landlock"])
def test_nothing_is_unpacked_where_nothing_shuts_it_in(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, jail: str
) -> None:
    found = {"jails": {"namespace": "is off", "landlock": "is off"}, "preferred_jail": None}
    monkeypatch.setattr("groundhog._core.capabilities", lambda: found)
    with pytest.raises(UnsupportedError, match="is off"):
        Unpacker(jail).unpack(GOOD, tmp_path, "single")
    assert list(tmp_path.iterdir()) == []
