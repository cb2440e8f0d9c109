"""A cluster of Ray on this machine: nodes with one processor each, and what runs on them."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import ray
from ray import serve
from ray.cluster_utils import Cluster

from tests.framework.servers import HOST, free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

STORE_BYTES = 80 * 1024 * 1024
LONGEST_WAIT_S = 60.0


def eventually(found: Callable[[], Any], what: str, limit_s: float = LONGEST_WAIT_S) -> Any:
    """What is returned once it is true: Ray has no events for what its controller does."""
    ends = time.monotonic() + limit_s
    while not (value := found()):
        assert time.monotonic() < ends, f"it did not come within {limit_s} s: {what}"
        time.sleep(0.05)
    return value


@dataclass(frozen=True)
class Running:
    """A replica."""

    pid: int
    node: str

    def kill(self) -> None:
        """As the kernel does when there is no memory."""
        os.kill(self.pid, signal.SIGKILL)


def replica_of(pid: int, replicas: list[Running]) -> Running:
    """The replica that runs a function process."""
    by_pid = {each.pid: each for each in replicas}
    while pid > 1 and pid not in by_pid:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        pid = int(fields[1])
    return by_pid[pid]


class Nodes:
    """The cluster."""

    def __init__(self, count: int) -> None:
        self.port = free_port()
        self._cluster = Cluster()
        self._cluster.add_node(num_cpus=1, object_store_memory=STORE_BYTES, include_dashboard=False)
        self.added = [self.add() for _ in range(count - 1)]

    @property
    def address(self) -> str:
        return str(self._cluster.address)

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def add(self) -> Any:
        return self._cluster.add_node(num_cpus=1, object_store_memory=STORE_BYTES)

    def remove(self, node: Any) -> None:
        """Without a warning, as when its machine is gone."""
        self._cluster.remove_node(node, allow_graceful=False)
        self.added = [each for each in self.added if each is not node]

    def alive(self) -> int:
        return sum(node["Alive"] for node in ray.nodes())

    @contextlib.contextmanager
    def connected(self) -> Iterator[None]:
        """Ray and Serve, from here."""
        ray.init(self.address, logging_level="error", log_to_driver=False)
        try:
            serve.start(proxy_location="HeadOnly", http_options={"host": HOST, "port": self.port})
            yield
        finally:
            serve.shutdown()
            ray.shutdown()

    def shutdown(self) -> None:
        self._cluster.shutdown()

    @staticmethod
    def replicas() -> list[Running]:
        """Those that are alive."""
        return [
            Running(actor["Pid"], actor["Address"]["NodeID"])
            for actor in ray._private.state.actors().values()
            if actor["State"] == "ALIVE" and actor["ActorClassName"].startswith("ServeReplica:")
        ]

    @staticmethod
    def serving(count: int, name: str = "default") -> bool:
        """Whether so many replicas of an application run."""
        deployments = serve.status().applications[name].deployments.values()
        return [each.replica_states for each in deployments] == [{"RUNNING": count}]


def ask(url: str, value: Any, headers: dict[str, str] | None = None) -> httpx.Response:
    """One request, on a connection of its own."""
    return httpx.post(url, json=value, headers=headers, timeout=60)
