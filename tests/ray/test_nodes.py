"""What a cluster loses while it serves: no answer may be wrong, and none be made twice by us."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from ray import serve

from groundhog.platforms.ray_serve import application
from tests.ray.cluster import ask, eventually, replica_of
from tests.ray.load import LEAKING, Load

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.ray.cluster import Nodes

    Source = Callable[[str, str], Path]

pytestmark = pytest.mark.timeout(240)

WORKING_S = 0.02


def deploy(source: Source, replicas: int, **settings: Any) -> None:
    serve.run(application(source("handler.py", LEAKING), num_replicas=replicas, **settings))


def ask_many(url: str, count: int) -> list[dict[str, Any]]:
    """Ask at once, so that all replicas have something to do."""
    with ThreadPoolExecutor(6) as callers:
        asked = callers.map(lambda n: ask(url, {"secret": f"s{n}", "sleep": 0.01}).json(), range(count))
        return list(asked)


def test_a_function_leaks_on_every_node_unless_it_is_isolated(nodes: Nodes, source: Source) -> None:
    leaks = {}
    for isolation in ("off", "request"):
        deploy(source, 3, isolation=isolation)
        replicas = nodes.replicas()
        answers = ask_many(nodes.url, 90)
        by_replica = {replica_of(answer["pid"], replicas) for answer in answers}
        assert len(by_replica) == 3
        assert len({replica.node for replica in by_replica}) == 3
        leaks[isolation] = sum(len(answer["seen"]) > 1 for answer in answers)
        serve.delete("default")
        eventually(lambda: not nodes.replicas(), "the end of the replicas")
    assert leaks["off"] > 60
    assert leaks["request"] == 0


def test_a_killed_worker_is_replaced_within_its_replica(
    nodes: Nodes, source: Source, report: list[str]
) -> None:
    deploy(source, 3)
    before = set(nodes.replicas())
    load = Load(nodes.url, {"sleep": WORKING_S})
    with load.running():
        for _ in range(5):
            load.more(30)
            os.kill(load.answers[-1].value["pid"], signal.SIGKILL)
        load.more(30)
    load.check()
    assert set(load.failed) <= {502}
    assert load.failed[502] <= 5  # what it ran when it was killed
    assert set(nodes.replicas()) == before
    report.append(
        f"5 workers killed: {load.failed.total()} of {len(load.answers)} requests failed,"
        f" longest pause {load.longest_pause():.2f} s"
    )


def test_a_killed_replica_is_replaced(
    nodes: Nodes, source: Source, tmp_path: Path, report: list[str]
) -> None:
    begun = tmp_path / "begun"
    deploy(source, 3, jail="none", network="host")
    load = Load(nodes.url, {"sleep": WORKING_S, "begun": str(begun)}, callers=6)
    with load.running():
        load.more(60)
        victim = nodes.replicas()[0]
        victim.kill()
        killed = time.monotonic()
        eventually(lambda: len({*nodes.replicas()} - {victim}) == 3 and nodes.serving(3), "another replica")
        recovered = time.monotonic() - killed
        load.more(60)
    load.check()
    assert set(load.failed) <= {500}
    assert load.failed.total() <= 2  # what it had taken over when it was killed
    runs = Counter(begun.read_text().split())
    again = [secret for secret, count in runs.items() if count > 1]
    assert again == []  # neither we nor Serve sent again what had begun
    report.append(
        f"a replica killed: {load.failed.total()} of {len(load.answers)} requests failed,"
        f" longest pause {load.longest_pause():.2f} s, three replicas again after {recovered:.1f} s"
    )


def test_a_lost_node_is_done_without(nodes: Nodes, source: Source, report: list[str]) -> None:
    deploy(source, 3)
    load = Load(nodes.url, {"sleep": WORKING_S}, callers=6)
    with load.running():
        load.more(60)
        removed = time.monotonic()
        nodes.remove(nodes.added[-1])
        eventually(lambda: len(nodes.replicas()) == 2, "the end of the replica")
        load.more(60)
        without = time.monotonic() - removed
        added = time.monotonic()
        nodes.added.append(nodes.add())
        eventually(lambda: nodes.serving(3), "another replica")
        recovered = time.monotonic() - added
        load.more(60)
    load.check()
    assert set(load.failed) <= {500}
    assert load.failed.total() <= 6
    report.append(
        f"a node removed: {load.failed.total()} of {len(load.answers)} requests failed,"
        f" longest pause {load.longest_pause():.2f} s, 60 more answers after {without:.1f} s,"
        f" a replica on a new node {recovered:.1f} s after that was asked for"
    )


def test_from_one_node_to_three_and_back(nodes: Nodes, source: Source, report: list[str]) -> None:
    for node in list(nodes.added):
        nodes.remove(node)
    eventually(lambda: nodes.alive() == 1, "one node")
    scale = {
        "min_replicas": 1,
        "max_replicas": 3,
        "target_ongoing_requests": 2,  # six callers keep three busy, one caller one
        "upscale_delay_s": 0.5,
        "downscale_delay_s": 1,
        "look_back_period_s": 11,
    }
    serve.run(application(source("handler.py", LEAKING), autoscaling=scale))
    load = Load(nodes.url, {"sleep": WORKING_S}, callers=6)
    with load.running():
        load.more(60)
        assert len(nodes.replicas()) == 1
        added = time.monotonic()
        nodes.added += [nodes.add(), nodes.add()]
        eventually(
            lambda: len({replica.node for replica in nodes.replicas()}) == 3, "replicas on three nodes"
        )
        up = time.monotonic() - added
        load.more(60)
    load.check()
    assert load.failed == {}  # nothing was lost on the way up
    few = Load(nodes.url, {"sleep": WORKING_S}, callers=1)
    with few.running():
        eventually(lambda: nodes.serving(1), "one replica", 120)
        assert few.failed == {}  # nor on the way down
        for node in list(nodes.added):
            nodes.remove(node)
        eventually(lambda: nodes.serving(1) and nodes.alive() == 1, "a replica on the last node")
        few.more(30)
    few.check()
    assert few.failed.total() <= 1  # the one that a removed node had taken over
    report.append(f"one to three nodes: replicas on all of them {up:.1f} s after the nodes were asked for")
