"""``groundhog ray deploy`` on a cluster that runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ray import serve

from tests.framework.commands import groundhog
from tests.ray.cluster import ask, eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.ray.cluster import Nodes

    Source = Callable[[str, str], Path]

HELPED = """
from helper import greeting

seen = []


def hello(params):
    seen.append(params["name"])
    return {"text": greeting(), "seen": seen, "file": __file__}
"""


def test_a_function_goes_to_the_nodes_with_its_folder(nodes: Nodes, source: Source) -> None:
    source("helper.py", "def greeting(): return 'good morning'\n")
    handler = source("handler.py", HELPED)
    words = ("--address", nodes.address, "--name", "orders", "--route", "/orders", "--replicas", "2")
    first = groundhog("ray", "deploy", f"{handler}:hello", *words)
    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout == "groundhog: handler serves at /orders of the cluster (application orders)\n"
    assert nodes.serving(2, "orders")
    for name in ("Ada", "Bob"):
        answer = ask(f"{nodes.url}/orders", {"name": name}).json()
        assert (answer["text"], answer["seen"]) == ("good morning", [name])
        assert Path(answer["file"]).parent != handler.parent  # its copy on the node

    source("helper.py", "def greeting(): return 'good evening'\n")
    again = groundhog("ray", "deploy", f"{handler}:hello", *words)
    assert again.returncode == 0
    eventually(
        lambda: ask(f"{nodes.url}/orders", {"name": "Cy"}).json()["text"] == "good evening", "the new folder"
    )


def test_a_function_that_does_not_start_is_said_to(nodes: Nodes, source: Source) -> None:
    broken = source("broken.py", "def main(params): return {}\nraise ValueError('no database')\n")
    result = groundhog("ray", "deploy", str(broken), "--address", nodes.address)
    assert result.returncode == 1
    assert result.stderr == (
        "groundhog: broken does not serve on the cluster: Deploying application groundhog failed: Failed to"
        " update the deployments ['groundhog']. (`serve status`, and the logs of its replicas, say why)\n"
    )
    serve.delete("groundhog")


def test_misuse_is_told_before_the_cluster_is_asked(source: Source, tmp_path: Path) -> None:
    handler = str(source("handler.py", "def main(params): return {}\n"))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for words, code, said in (
        (
            ("--replicas", "2", "--max-replicas", "3"),
            2,
            "--replicas is a fixed number: leave it out to scale",
        ),
        (("--min-replicas", "2"), 2, "--min-replicas needs --max-replicas"),
        (("--working-dir", str(elsewhere)), 1, f"is not below {elsewhere}"),
        (("--isolation", "domain", "--network", "host"), 1, "could ask Serve in another domain's name"),
    ):
        result = groundhog("ray", "deploy", handler, *words, "--address", "127.0.0.1:1")
        assert result.returncode == code
        assert said in result.stderr
