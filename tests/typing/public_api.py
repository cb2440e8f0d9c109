"""The public interface as its users write it. mypy checks this file; that it runs is tested elsewhere."""

from __future__ import annotations

from typing import Any

from typing_extensions import assert_type

import groundhog


async def serve() -> None:
    """A pool, as in the README."""
    fn = groundhog.Function.from_file("handler.py", entry="main", warmup=[{"name": "warm"}])
    async with groundhog.Pool(fn, workers=2, isolation="request") as pool:
        assert_type(pool, groundhog.Pool)
        reply = await pool.invoke({"name": "Ada"}, domain="tenant-a")
        assert_type(reply, groundhog.Reply)
        assert_type(reply.stdout, str)
        assert_type(reply.stderr, str)
        assert_type(reply.timings, groundhog.Timings)
        assert_type(reply.timings.run_s, float)
        value: dict[str, Any] = reply.value
        print(value)


async def configured() -> None:
    """Every option of a pool."""
    fn = groundhog.Function.from_command(["./program", "--option"], warmup=[{}], env={"NAME": "value"})
    limits = groundhog.Limits(timeout_s=5, queue_length=10)
    pool = groundhog.Pool(
        fn,
        4,
        groundhog.Isolation.DOMAIN,
        limits,
        "hot",
        verify=True,
        connections=groundhog.Connections.REPLACE,
        hooks="eager",
        observer=groundhog.NullObserver(),
    )
    try:
        await pool.start()
        await pool.invoke([1, 2], timeout=1.5, context={"activation_id": "a"})
    except groundhog.InvocationError as error:
        assert_type(error.stderr, str)
    except groundhog.GroundhogError as error:
        assert_type(error, groundhog.GroundhogError)
    finally:
        await pool.aclose()


def trace() -> None:
    """The engine."""
    with groundhog.Tracee.spawn(["python3", "loop.py"]) as t:
        assert_type(t, groundhog.Tracee)
        info = t.snapshot()
        assert_type(info, groundhog.SnapshotInfo)
        assert_type((info.pages, info.bytes, info.threads, info.duration), tuple[int, int, int, float])
        report = t.restore()
        assert_type(report, groundhog.RestoreReport)
        assert_type(report.strategy, str)
        assert_type((report.pages_dirty, report.pages_copied, report.pages_zeroed), tuple[int, int, int])
        assert_type(report.layout_changes, int)
        assert_type((report.fds_put_back, report.attributes_reverted), tuple[int, int])
        assert_type(report.phases, dict[str, float])
        try:
            t.verify()
        except groundhog.StateMismatchError as error:
            print(error)
    groundhog.Tracee.attach(1).close()


def misused() -> None:
    """What a type checker refuses: were it allowed, the comment that ignores the error would be one."""
    groundhog.Pool("handler.py")  # type: ignore[arg-type]
    groundhog.Tracee.spawn("python3 loop.py", strategy=1)  # type: ignore[arg-type]
