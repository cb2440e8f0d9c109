"""The words that the victim of refusals gets."""

from __future__ import annotations

import errno

from groundhog.audit import refusals


def words() -> dict[str, list[int]]:
    return {
        name: [int(number) for number in numbers.split(",")]
        for name, _, numbers in (word.rpartition("=") for word in refusals.arguments())
    }


def test_each_row_has_a_word_with_its_error() -> None:
    found = words()
    assert len(found) == len(refusals.rows())
    assert found["reboot"] == [169, errno.EPERM, -1, -1, -1, -1, -1, -1]
    assert found["io_uring_setup"][1] == errno.ENOSYS


def test_operations_stand_where_the_call_has_them() -> None:
    found = words()
    assert found["madvise MADV_FREE"] == [28, errno.EINVAL, -1, -1, 8, -1, -1, -1]
    assert found["setsockopt SOL_SOCKET SO_ZEROCOPY"][2:6] == [-1, 1, 60, -1]
    assert found["prctl others"][2] == refusals.UNKNOWN


def test_what_depends_on_arguments_is_not_among_them() -> None:
    found = words()
    assert not {"clone", "getsockopt", "sendto", "mmap", "getpid"} & found.keys()
