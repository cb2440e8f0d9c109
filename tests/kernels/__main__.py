"""Run the tests on the kernels that users have: Debian's 6.1 and 6.12, in emulated machines.

Everything is built here and packed, at the same paths, into an initramfs; nothing is installed but qemu and
busybox. Exit status 0: every test passed on every kernel, and none was skipped without leave.
"""

from __future__ import annotations

import argparse
import secrets
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.kernels import machine, suites
from tests.kernels.image import Image
from tests.kernels.kernels import KERNELS, FetchError, Kernel, fetch
from tests.kernels.report import Report

PACKAGES = (f"{machine.QEMU}=qemu-system-x86", "busybox-static", "cc=gcc")
BUSYBOX = Path("/usr/bin/busybox"), Path("/bin/busybox")
BOOTS = 3
BOOT_SECONDS = 60


def main() -> int:
    """Run what the command line asks for."""
    options = _options()
    # A machine must not outlive this program: leave by way of every `finally`.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        _install()
        series = list(KERNELS) if options.kernel == "all" else [options.kernel]
        failed = [name for name in series if not _test_on(KERNELS[name], options)]
    except (FetchError, suites.PrepareError, FileNotFoundError) as error:
        print(f"tests/kernels: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    return 1 if failed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests/kernels/run", description=__doc__)
    parser.add_argument("--kernel", choices=[*KERNELS, "all"], default="all", help="which one (default: all)")
    parser.add_argument(
        "--suite",
        choices=["interfaces", "engine", "python"],
        action="append",
        help="what to run; repeatable (default: interfaces, engine)",
    )
    parser.add_argument(
        "--crate",
        choices=suites.CRATES,
        action="append",
        help="whose tests the suite engine runs; repeatable (default: all)",
    )
    parser.add_argument(
        "--only",
        metavar="TEXT",
        action="append",
        default=[],
        help="of the suite engine only tests with this in their names; repeatable",
    )
    parser.add_argument("--timeout", type=float, default=2700, metavar="S", help="seconds per program (2700)")
    parser.add_argument("--memory", type=int, default=2048, metavar="MIB", help="of the machine (2048)")
    parser.add_argument("--cpus", type=int, default=2, metavar="N", help="of the machine (2)")
    parser.add_argument("--keep", action="store_true", help="keep image and console log, say where")
    parser.add_argument("--python", action="store_true", help="put Python and the package inside")
    parser.add_argument("command", nargs="*", metavar="-- COMMAND ARGS", help="run this instead")
    return parser.parse_args()


def _install() -> None:
    try:
        subprocess.run([suites.ROOT / "scripts/install-debian-packages", *PACKAGES], check=True)
    except subprocess.CalledProcessError:
        message = "programs are missing, see above"
        raise suites.PrepareError(message) from None


def _test_on(kernel: Kernel, options: argparse.Namespace) -> bool:
    """Build an image, boot it, and say whether all is as it should be."""
    started = time.monotonic()
    vmlinuz = fetch(kernel)
    work = Path(tempfile.mkdtemp(prefix=f"groundhog-kernel-{kernel.series}-"))
    try:
        image = Image()
        steps = _steps(image, work, kernel, options)
        token = secrets.token_hex(8)
        image.text("/job/token", token)
        for step in steps:
            image.folder(step.folder)
            image.text(f"/job/steps/{step.name}/limit", f"{options.timeout:.0f}")
            image.text(f"/job/steps/{step.name}/script", step.script())
        initramfs = work / "initramfs"
        busybox = next((path for path in BUSYBOX if path.exists()), BUSYBOX[0])
        image.write(initramfs, busybox, suites.HERE / "init")
        size = f"{initramfs.stat().st_size / 2**20:.0f} MiB"
        print(f"{kernel.series} | {vmlinuz.parent.name}: {len(steps)} programs, {size}", flush=True)
        arguments = machine.command(vmlinuz, initramfs, memory_mib=options.memory, cpus=options.cpus)
        limit = BOOT_SECONDS + options.timeout * len(steps)
        for attempt in range(1, BOOTS + 1):
            report = Report(token, {step.name: step.counts_tests for step in steps})
            hung = not _boot(arguments, work / "console", report, kernel, limit)
            if hung:
                print(f"{kernel.series} | the machine hung: killed after {limit:.0f} s")
            # Emulated processors lose a race now and then while the kernel patches itself.
            if report.begun or hung:
                break
            print(f"{kernel.series} | the machine did not come up, attempt {attempt} of {BOOTS}", flush=True)
        if options.keep:
            print(f"{kernel.series} | kept {work}; boot it again: {shlex.join(arguments)}")
    finally:
        if not options.keep:
            shutil.rmtree(work)
    problems = report.problems(_expected_skips(kernel))
    for problem in problems:
        print(f"{kernel.series} | FAILED: {problem}")
    verdict = "FAILED" if problems else "ok"
    seconds = time.monotonic() - started
    print(f"{kernel.series} | {verdict}: {report.passed} tests passed, {seconds:.0f} s", flush=True)
    return not problems


def _boot(arguments: list[str], console: Path, report: Report, kernel: Kernel, limit: float) -> bool:
    """Run the machine once, and say whether it stopped by itself."""
    with console.open("w") as log:

        def on_line(line: str) -> None:
            log.write(line + "\n")
            if report.line(line):
                print(f"{kernel.series} | {line}", flush=True)

        return machine.boot(arguments, on_line, limit_seconds=limit)


def _steps(image: Image, work: Path, kernel: Kernel, options: argparse.Namespace) -> list[suites.Step]:
    if options.python:
        suites.add_python(image)
    if options.command:
        return [suites.command(image, kernel, options.command)]
    steps: list[suites.Step] = []
    for name in options.suite or ["interfaces", "engine"]:
        if name == "interfaces":
            steps += suites.interfaces(image, work, kernel)
        elif name == "engine":
            steps += suites.engine(image, kernel, options.crate or suites.CRATES, options.only)
        else:
            steps += suites.python(image, kernel)
    return steps


def _expected_skips(kernel: Kernel) -> frozenset[str]:
    lines = (suites.HERE / "expected_skips.txt").read_text().splitlines()
    entries = [line.split(maxsplit=2) for line in lines if line and not line.startswith("#")]
    return frozenset(name for series, name, _reason in entries if series == kernel.series)


if __name__ == "__main__":
    sys.exit(main())
