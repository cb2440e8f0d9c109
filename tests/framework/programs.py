"""Functions in languages that are compiled: their commands."""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from groundhog.audit.workshop import C_FLAGS, JAVA_FLAGS, WARNINGS

ROOT = Path(__file__).parents[2]
PROGRAMS = ROOT / "tests/integration/programs"
HTTP_SERVERS = ROOT / "tests/integration/http_servers"
EXAMPLES = ROOT / "examples"
HELPERS = ROOT / "helpers"
OPENS = "--add-opens=java.base/java.lang=ALL-UNNAMED"
"""What the helper needs of a Java machine."""
RUST_PACKAGES = ("groundhog-test-programs", "tickets")


def _run(*argv: str | Path, cwd: Path = ROOT, env: dict[str, str] | None = None) -> str:
    made = subprocess.run(
        [str(word) for word in argv],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return made.stdout


@functools.cache
def _folder() -> Path:
    """Where they are made; removed by the system with its other temporary files if the run is killed."""
    folder = tempfile.TemporaryDirectory(prefix="groundhog-programs-")
    _folders.append(folder)
    Path(folder.name).chmod(0o755)  # every user may run them
    return Path(folder.name)


_folders: list[tempfile.TemporaryDirectory[str]] = []


@functools.cache
def c(name: str, *arguments: str) -> tuple[str, ...]:
    """One that is compiled from ``programs/c``, with its arguments."""
    target = _folder() / name
    if not target.exists():
        _run("gcc", *C_FLAGS, *WARNINGS["c"], "-o", target, PROGRAMS / "c" / f"{name}.c")
    return (str(target), *arguments)


@functools.cache
def go(name: str, *more: str) -> tuple[str, ...]:
    """One of ``programs/go``, which need nothing but the standard library; with ``more`` of its files."""
    target = _folder() / "-".join((name, *more))
    files = [f"{file}.go" for file in ("main", *more)]
    _run("go", "build", "-o", target, *files, cwd=PROGRAMS / "go" / name, env={"GOTOOLCHAIN": "local"})
    return (str(target),)


@functools.cache
def go_module(name: str) -> tuple[str, ...]:
    """One of ``programs/go`` that needs modules of others."""
    target = _folder() / name
    env = {"GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly"}
    _run("go", "build", "-o", target, ".", cwd=PROGRAMS / "go" / name, env=env)
    return (str(target),)


@functools.cache
def go_helped(source: Path) -> tuple[str, ...]:
    """One in one file that uses the helper, of which its module has a copy."""
    module = _folder() / f"{source.parent.name}-{source.stem}"
    shutil.copytree(HELPERS / "go", module)
    (module / "go.mod").write_text("module tickets\n\ngo 1.22\n")
    shutil.copy(source, module / "main.go")
    for check in ("build", "-o", "program"), ("vet", "./..."):
        _run("go", *check, cwd=module, env={"GOTOOLCHAIN": "local"})
    return (str(module / "program"),)


@functools.cache
def rust(name: str, *arguments: str) -> tuple[str, ...]:
    """A program or example of the workspace, which `make` has built: cargo only says where it is."""
    said = _run(
        "cargo",
        "build",
        "--locked",
        "--quiet",
        *(f"--package={package}" for package in RUST_PACKAGES),
        "--message-format=json",
    )
    built = [json.loads(line) for line in said.splitlines()]
    found = [made["executable"] for made in built if made.get("target", {}).get("name") == name]
    return (found[0], *arguments)


@functools.cache
def _classes() -> Path:
    """All programs and examples in Java, compiled with the helper."""
    target = _folder() / "java"
    sources = [file for where in (HELPERS, EXAMPLES, PROGRAMS) for file in where.rglob("*.java")]
    _run("javac", *WARNINGS["java"], "-d", target, *sources)
    return target


@functools.cache
def node_packages() -> Path:
    """Where the packages of ``programs/nodejs`` are, as npm has installed them: for NODE_PATH."""
    target = _folder() / "nodejs"
    target.mkdir()
    for name in "package.json", "package-lock.json":
        shutil.copy(PROGRAMS / "nodejs" / name, target)
    _run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent", cwd=target)
    return target / "node_modules"


def java(name: str, *options: str) -> tuple[str, ...]:
    """One of ``programs/java`` or ``examples``; ``options``: instead of what the helper needs."""
    return (str(shutil.which("java")), *JAVA_FLAGS, *(options or (OPENS,)), "-cp", str(_classes()), name)


def ruby(name: str) -> tuple[str, ...]:
    """One of ``programs/ruby``."""
    return (str(shutil.which("ruby")), str(PROGRAMS / "ruby" / f"{name}.rb"))


@functools.cache
def lambda_nodejs() -> tuple[str, ...]:
    """AWS's client for Node, parts of which npm compiles, with ``lambda_clients/nodejs``."""
    _run("scripts/install-debian-packages", *_TO_COMPILE_AWS_CLIENT)
    target = _copy_of("nodejs")
    _run("npm", "ci", "--no-audit", "--no-fund", "--silent", cwd=target)
    return (str(target / "node_modules/.bin/aws-lambda-ric"), f"{target}/app.handler")


@functools.cache
def lambda_java() -> tuple[str, ...]:
    """AWS's client for Java, with ``lambda_clients/java``."""
    _run("scripts/install-debian-packages", "mvn=maven", "javac=default-jdk-headless")
    target = _copy_of("java")
    _run("mvn", "-q", "-B", "compile", "dependency:copy-dependencies", "-DoutputDirectory=lib", cwd=target)
    java = str(shutil.which("java"))
    client = "com.amazonaws.services.lambda.runtime.api.client.AWSLambda"
    return (java, *JAVA_FLAGS, "-cp", f"{target}/target/classes:{target}/lib/*", client, "App::handleRequest")


@functools.cache
def lambda_rust() -> tuple[str, ...]:
    """AWS's client for Rust, with ``lambda_clients/rust``."""
    target = _copy_of("rust")
    _run("cargo", "build", "--locked", "--quiet", "--release", cwd=target)
    return (str(target / "target/release/app"),)


_TO_COMPILE_AWS_CLIENT = ("autoconf", "automake", "libtool", "make", "cmake=cmake", "g++=g++")


def _copy_of(name: str) -> Path:
    target = _folder() / f"lambda-{name}"
    shutil.copytree(ROOT / "tests/integration/lambda_clients" / name, target)
    return target


@functools.cache
def http_server(name: str) -> tuple[str, ...]:
    """One of ``http_servers``, which people write by frameworks; ``$PORT`` stands in the command."""
    kind, _, rest = name.partition("/")
    if kind == "php":
        _run("scripts/install-debian-packages", "php=php-cli")
        return (str(shutil.which("php")), "-S", "127.0.0.1:$PORT", "-t", str(HTTP_SERVERS / "php"))
    if kind == "java":
        target = _folder() / "http-java"
        _run("javac", *WARNINGS["java"], "-d", target, HTTP_SERVERS / "java/Counted.java")
        return (str(shutil.which("java")), *JAVA_FLAGS, "-cp", str(target), "Counted")
    if kind == "nodejs":
        folder = _http_nodejs()
        if rest == "functions-framework":
            return (
                str(folder / "node_modules/.bin/functions-framework"),
                "--target=count",
                f"--source={folder}/framed.js",
            )
        return (str(shutil.which("node")), f"{folder}/{rest}.js")
    installed, folder = _http_python(), HTTP_SERVERS / "python"
    return {
        "fastapi": (f"{installed}/uvicorn", "--app-dir", str(folder), "fast:app", "--port", "$PORT"),
        "flask": (f"{installed}/flask", "--app", f"{folder}/flasked.py", "run", "--port", "$PORT"),
        "waitress": (f"{installed}/python", f"{folder}/waited.py"),
        "aiohttp": (f"{installed}/python", f"{folder}/aio.py"),
        "gunicorn": (f"{installed}/gunicorn", "--chdir", str(folder), "--bind", ":$PORT", "flasked:app"),
        "functions-framework": (
            f"{installed}/functions-framework",
            "--target",
            "count",
            "--source",
            f"{folder}/framed.py",
        ),
    }[rest]


@functools.cache
def _http_python() -> Path:
    target = _folder() / "http-python"
    _run(sys.executable, "-m", "venv", target)
    pip = (target / "bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    _run(*pip, "--requirement", ROOT / "requirements/servers.txt")
    return target / "bin"


@functools.cache
def _http_nodejs() -> Path:
    target = _folder() / "http-nodejs"
    shutil.copytree(HTTP_SERVERS / "nodejs", target)
    _run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent", cwd=target)
    return target
