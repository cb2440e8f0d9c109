"""Which names and links an archive may have: decided in memory, whatever lies in the file system."""

from __future__ import annotations

import pytest

from groundhog.archives.order import ArchiveLimits, RefusedError
from groundhog.archives.tree import Kind, Tree

LIMITS = ": more than the limits of 2048 and 255"
FOLDER, FILE, LINK, HARD = Kind.FOLDER, Kind.FILE, Kind.LINK, Kind.HARD_LINK


def tree(*members: tuple[str, Kind] | tuple[str, Kind, str], **limits: int) -> Tree:
    made = Tree(ArchiveLimits(**limits))
    for member in members:
        made.add(*member)
    return made


@pytest.mark.parametrize(
    ("name", "kind", "path"),
    [
        ("a", FILE, ("a",)),
        ("a/b/c", FILE, ("a", "b", "c")),
        ("./a", FILE, ("a",)),
        ("a/./b", FILE, ("a", "b")),
        ("a/", FOLDER, ("a",)),
        ("./", FOLDER, ()),
        (".", FOLDER, ()),
        ("...", FILE, ("...",)),
        ("a\\..\\b", FILE, ("a\\..\\b",)),
        ("x" * 255, FILE, ("x" * 255,)),
        ("\udcff", FILE, ("\udcff",)),
        ("ä" * 127, FILE, ("ä" * 127,)),
    ],
)
def test_names(name: str, kind: Kind, path: tuple[str, ...]) -> None:
    assert tree().add(name, kind) == path


@pytest.mark.parametrize(
    ("name", "kind", "why"),
    [
        ("/a", FILE, "it has the path '/a', outside of the action"),
        ("/", FOLDER, "it has the path '/', outside of the action"),
        ("../a", FILE, "it has the path '../a', outside of the action"),
        ("a/../b", FILE, "it has the path 'a/../b', outside of the action"),
        ("a/..", FOLDER, "it has the path 'a/..', outside of the action"),
        ("", FILE, "it has the path '', which no file can have"),
        ("", FOLDER, "it has the path '', which no file can have"),
        ("a//b", FILE, "it has the path 'a//b', which no file can have"),
        ("a//", FOLDER, "it has the path 'a/', which no file can have"),
        ("a/", FILE, "it has the path 'a/', which no file can have"),
        ("a/", LINK, "it has the path 'a/', which no file can have"),
        ("a\0b", FILE, "it has the path 'a\\x00b', which no file can have"),
        ("\ud800", FILE, "it has the path '\\ud800', which no file can have"),
        (".", FILE, "it has a file with the name '.', the action's folder"),
        ("./.", LINK, "it has a link with the name './.', the action's folder"),
        (
            "x" * 256,
            FILE,
            f"it has the path '{'x' * 120}...' of 256 bytes, and in it a name of 256{LIMITS}",
        ),
        (
            "ä" * 128,
            FILE,
            f"it has the path '{'ä' * 120}...' of 256 bytes, and in it a name of 256{LIMITS}",
        ),
        (
            "/".join(["y" * 200] * 11),
            FILE,
            f"it has the path '{'y' * 120}...' of 2210 bytes, and in it a name of 200{LIMITS}",
        ),
        (
            "a/" * 100 + "a",
            FILE,
            f"it has the path '{'a/' * 60}...', with more folders in one another than the limit of 100",
        ),
    ],
)
def test_names_that_are_refused(name: str, kind: Kind, why: str) -> None:
    with pytest.raises(RefusedError) as refused:
        tree().add(name, kind, "x" if kind is LINK else "")
    assert str(refused.value) == why


@pytest.mark.parametrize("kind", [FILE, LINK, HARD])
@pytest.mark.parametrize("other", [FILE, LINK])
def test_a_name_that_comes_twice(kind: Kind, other: Kind) -> None:
    with pytest.raises(RefusedError, match=r"^it has the name '\./a' twice$"):
        tree(("file", FILE), ("a", other, "x"), ("./a", kind, "file"))


def test_folders_may_come_twice_and_late() -> None:
    made = tree(("a/b", FILE), ("a", FOLDER), ("a/", FOLDER), ("c", FOLDER), ("c/d", FILE))
    assert made.file("c/d") == ("c", "d")


@pytest.mark.parametrize(
    ("members", "why"),
    [
        ([("a", FILE), ("a/b", FILE)], "it has the path 'a/b' through 'a', which is a file"),
        ([("a", LINK, "b"), ("a/b", FILE)], "it has the path 'a/b' through 'a', which is a link"),
        ([("a", LINK, "b"), ("a", FOLDER)], "it has the path 'a' through 'a', which is a link"),
        ([("a/b", FILE), ("a", LINK, "b")], "it has the name 'a' twice"),
        ([("a/b", FILE), ("a", FILE)], "it has the name 'a' twice"),
    ],
)
def test_nothing_lies_below_what_is_no_folder(
    members: list[tuple[str, Kind] | tuple[str, Kind, str]], why: str
) -> None:
    with pytest.raises(RefusedError) as refused:
        tree(*members)
    assert str(refused.value) == why


@pytest.mark.parametrize(
    "members",
    [
        [("l", LINK, "f")],
        [("l", LINK, "a/..")],
        [("l", LINK, "a/f")],
        [("a/b/l", LINK, "../../f")],
        [("a/b/l", LINK, "../../c/./f")],
        [("l", LINK, "missing")],
        [("l", LINK, "./.")],
        [("l", LINK, "m"), ("m", LINK, "a/f")],
        # What the first leads to is known only with the second.
        [("a/l", LINK, "m/../f"), ("a/m", LINK, "b/c"), ("a/b/c", FOLDER)],
        # Forty, as the kernel follows.
        [("0", FILE), *((str(number + 1), LINK, str(number)) for number in range(40))],
        [("virtualenv/bin/python3", LINK, "/usr/bin/python3")],
        [
            ("virtualenv/bin/python", LINK, "python3"),
            ("virtualenv/bin/python3", LINK, "/usr/bin/python3"),
            ("virtualenv/lib64", LINK, "lib"),
        ],
    ],
)
def test_links(members: list[tuple[str, Kind] | tuple[str, Kind, str]]) -> None:
    made = tree(*members)
    expected = {member[0]: member[2] for member in members if len(member) == 3}
    assert {"/".join(path): target for path, target in made.links()} == expected


OUTSIDE = "outside of the action"
BY_OTHERS = "outside of the action by way of other links"
TOO_MANY = "which goes through more than 40 links, or in a circle"


@pytest.mark.parametrize(
    ("members", "why"),
    [
        ([("l", LINK, "..")], f"'l' to '..', {OUTSIDE}"),
        ([("a/l", LINK, "../..")], f"'a/l' to '../..', {OUTSIDE}"),
        ([("a/l", LINK, "b/../../../action/f")], f"'a/l' to 'b/../../../action/f', {OUTSIDE}"),
        (
            [("l", LINK, "/etc/passwd")],
            f"'l' to '/etc/passwd', {OUTSIDE}: only below virtualenv/ may a link be absolute",
        ),
        (
            [("virtualenv", LINK, "/opt/environment")],
            f"'virtualenv' to '/opt/environment', {OUTSIDE}: only below virtualenv/ may a link be absolute",
        ),
        (
            [("a/virtualenv/l", LINK, "/x")],
            f"'a/virtualenv/l' to '/x', {OUTSIDE}: only below virtualenv/ may a link be absolute",
        ),
        ([("virtualenv/l", LINK, "../../x")], f"'virtualenv/l' to '../../x', {OUTSIDE}"),
        # The text stays inside, the way does not.
        ([("a/l", LINK, "m/.."), ("a/m", LINK, "..")], f"'a/l' to 'm/..', {BY_OTHERS}"),
        ([("a/m", LINK, ".."), ("a/l", LINK, "m/..")], f"'a/l' to 'm/..', {BY_OTHERS}"),
        (
            [("a/l", LINK, "m/../x"), ("a/m", LINK, "n"), ("a/n", LINK, "../a/o"), ("a/o", LINK, "..")],
            f"'a/l' to 'm/../x', {BY_OTHERS}",
        ),
        (
            [("virtualenv/l", LINK, "m/.."), ("virtualenv/m", LINK, "..")],
            f"'virtualenv/l' to 'm/..', {BY_OTHERS}",
        ),
        (
            [("exec", LINK, "virtualenv/l"), ("virtualenv/l", LINK, "/x")],
            f"'exec' to 'virtualenv/l', {BY_OTHERS}",
        ),
        ([("l", LINK, "l")], f"'l' to 'l', {TOO_MANY}"),
        ([("l", LINK, "m/x"), ("m", LINK, "l")], f"'l' to 'm/x', {TOO_MANY}"),
        ([("l", LINK, "l/l/l/l")], f"'l' to 'l/l/l/l', {TOO_MANY}"),
        (
            [("0", FILE), *((str(number + 1), LINK, str(number)) for number in range(41))],
            f"'41' to '40', {TOO_MANY}",
        ),
        # Each doubles the way through the one before: 2^60 steps if they were all taken.
        (
            [("0", FOLDER), *((str(number + 1), LINK, f"{number}/../{number}") for number in range(60))],
            f"'6' to '5/../5', {TOO_MANY}",
        ),
    ],
)
def test_links_that_are_refused(members: list[tuple[str, Kind] | tuple[str, Kind, str]], why: str) -> None:
    made = tree(*members)
    with pytest.raises(RefusedError) as refused:
        list(made.links())
    assert str(refused.value) == f"it has the link {why}"


@pytest.mark.parametrize("target", ["", "\0", "a\0b", "x" * 4096, "\ud800"])
def test_targets_that_are_none(target: str) -> None:
    with pytest.raises(RefusedError, match=r"^it has the link 'l' to '.*', which no link can have$"):
        tree(("l", LINK, target))


def test_the_length_of_a_path_hides_nothing() -> None:
    """CVE-2025-4517 in a tree whose paths may be longer than PATH_MAX, which realpath takes as they are."""
    long, letters = "d" * 247, "abcdefghijklmnop"
    members: list[tuple[str, Kind, str]] = []
    path = ""
    for letter in letters:
        members += [(path + long, FOLDER, ""), (path + letter, LINK, long)]
        path += long + "/"
    members.append((path + "up", LINK, "../" * len(letters)))
    # By the folders themselves: files through links are refused before.
    escape = "/".join(letters) + "/up/../outside"
    made = tree(*members, ("escape", LINK, escape), path_bytes=10_000)
    with pytest.raises(
        RefusedError, match=r"^it has the link 'escape' to .*, outside of the action by way of"
    ):
        list(made.links())
    inside = tree(*members, ("inside", LINK, "/".join(letters) + "/up/f"), path_bytes=10_000)
    assert (("inside",), "/".join(letters) + "/up/f") in list(inside.links())


@pytest.mark.parametrize(
    "members",
    [
        [("l", LINK, "f"), ("h", HARD, "l")],
        [("l", LINK, "a"), ("h", HARD, "l/f")],
        [("h", HARD, "missing")],
        [("h", HARD, "h")],
        [("h", HARD, "a")],
    ],
)
def test_hard_links_that_are_refused(members: list[tuple[str, Kind, str]]) -> None:
    name = f"it has the hard link 'h' to '{members[-1][2]}', which is no file that came before it"
    with pytest.raises(RefusedError) as refused:
        tree(("a/f", FILE), ("f", FILE), *members)
    assert str(refused.value) == name


@pytest.mark.parametrize("target", ["/etc/passwd", "../f", "a/../f"])
def test_hard_links_that_lead_outside(target: str) -> None:
    with pytest.raises(RefusedError, match="outside of the action"):
        tree(("f", FILE), ("h", HARD, target))


def test_more_files_than_the_limit() -> None:
    """Folders that only a path names count, too."""
    tree(("a/b/c", FILE), members=3)
    with pytest.raises(RefusedError, match=r"^it has more files and folders than the limit of 3$"):
        tree(("a/b/c/d", FILE), members=3)


@pytest.mark.parametrize(
    ("members", "found"),
    [
        ([("exec", FILE)], ("exec",)),
        ([("exec", LINK, "l"), ("l", LINK, "a/f"), ("a/f", FILE)], ("a", "f")),
        ([("exec", FOLDER)], None),
        ([("exec", LINK, "missing")], None),
        ([("exec", LINK, "exec")], None),
        ([("exec", LINK, "virtualenv/x"), ("virtualenv/x", LINK, "/bin/sh")], None),
        ([("exec", LINK, "../exec")], None),
        ([], None),
    ],
)
def test_what_a_name_stands_for(
    members: list[tuple[str, Kind] | tuple[str, Kind, str]], found: tuple[str, ...] | None
) -> None:
    assert tree(*members).file("exec") == found
