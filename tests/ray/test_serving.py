"""What callers of an application are answered, and how it is changed while they ask."""

from __future__ import annotations

import os
import re
import socket
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import ray
from ray import serve
from ray.serve.context import _get_global_client
from ray.serve.schema import ServeDeploySchema

from groundhog import FunctionExitedError, InvalidRequestError, Limits
from groundhog.platforms.ray_serve import application, run
from tests.framework.servers import HOST, NOBODY
from tests.ray.cluster import Running, ask, eventually
from tests.ray.load import LEAKING, Load

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.ray.cluster import Nodes

    Source = Callable[[str, str], Path]

BEHAVING = """
import os
import time

seen = []


def main(params):
    seen.append(params.get("name"))
    if params.get("exit"):
        os._exit(3)
    if params.get("raise"):
        raise ValueError(params["raise"])
    if params.get("print"):
        print(params["print"], flush=True)
    time.sleep(params.get("sleep", 0))
    return {"seen": seen, "variables": sorted(os.environ), "pid": os.getpid()}
"""

PROBING = """
import json
import os
import socket
import sys


def connect(address):
    with socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET) as sock:
        try:
            sock.connect(address if isinstance(address, str) else tuple(address))
        except OSError as error:
            return os.strerror(error.errno)
        return "connected"


for line in sys.stdin:
    found = [connect(address) for address in json.loads(line)["value"]["connect"]]
    os.write(3, json.dumps({"found": found}).encode() + b"\\n")
"""


@pytest.fixture
def handler(source: Source) -> Path:
    return source("handler.py", BEHAVING)


def test_callers_are_answered_as_by_groundhog_serve(nodes: Nodes, handler: Path) -> None:
    limits = Limits(timeout_s=1, request_bytes=1000)
    serve.run(application(handler, limits=limits, env={"OURS": "1"}), route_prefix="/fn")
    url = f"{nodes.url}/fn"
    first, second = (ask(url, {"name": name}) for name in ("Ada", "Bob"))
    assert first.json()["seen"] == ["Ada"]
    assert second.json()["seen"] == ["Bob"]
    assert first.headers["content-type"] == "application/json"
    variables = first.json()["variables"]
    assert "OURS" in variables
    assert [name for name in variables if name.startswith("RAY_")] == []
    refused = {
        400: httpx.post(url, content=b"[1,"),
        404: ask(f"{url}/other", {}),
        405: httpx.get(url),
        413: ask(url, {"long": "x" * 1000}),
        502: ask(url, {"raise": "no such account"}),
        504: ask(url, {"sleep": 5}, {"X-Timeout": "0.1"}),
    }
    assert {status: answer.status_code for status, answer in refused.items()} == {
        status: status for status in refused
    }
    assert {status: answer.json()["error"] for status, answer in refused.items()} == {
        400: "the body is not JSON: EOF while parsing a value at line 1 column 3",
        404: "nothing is served at /other",
        405: "GET /: only POST",
        413: "the request has 1011 bytes, more than the limit of 1000",
        502: "no such account",
        504: refused[504].json()["error"],
    }
    assert ask(url, {"exit": True}).status_code == 502
    assert ask(url, {"name": "Cy"}).json()["seen"] == ["Cy"]


def test_serve_sends_a_replica_what_its_workers_serve(nodes: Nodes, handler: Path) -> None:  # noqa: ARG001
    def sent(**settings: Any) -> int:
        return int(application(handler, workers=2, **settings)._bound_deployment.max_ongoing_requests)

    assert sent() == 2
    assert sent(ahead=1) == 3
    assert sent(deployment={"max_ongoing_requests": 9}) == 9


def test_more_than_may_wait_are_told_to_come_again(nodes: Nodes, handler: Path) -> None:
    serve.run(application(handler, limits=Limits(queue_length=1)))
    busy = Load(nodes.url, {"sleep": 0.3}, callers=3)  # one is served, one waits, the third retries
    with busy.running():
        eventually(lambda: busy.refusals[429], "a refusal")
        busy.more(3)
    assert set(busy.refusals) == {429}


def test_handles_call_it_and_get_its_errors(nodes: Nodes, handler: Path) -> None:  # noqa: ARG001
    handle = run(handler)
    assert handle.invoke.remote({"name": "Ada"}).result()["seen"] == ["Ada"]
    assert handle.invoke.remote({"name": "Bob"}).result()["seen"] == ["Bob"]
    with pytest.raises(FunctionExitedError):
        handle.invoke.remote({"exit": True}).result()
    tenant = handle.options(multiplexed_model_id="tenant-a")
    assert tenant.invoke.remote({"name": "Cy"}, domain="tenant-a").result()["seen"] == ["Cy"]
    with pytest.raises(
        InvalidRequestError, match="two trust domains: 'tenant-b', and the model id 'tenant-a'"
    ):
        tenant.invoke.remote({}, domain="tenant-b").result()


def test_a_domain_sees_its_own_state_and_no_other(nodes: Nodes, handler: Path) -> None:
    limits = Limits(domain_idle_s=30)
    serve.run(application(handler, isolation="domain", domain_header="X-Tenant", limits=limits))

    def seen(name: str, **headers: str) -> Any:
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        return ask(nodes.url, {"name": name}, named).json().get("seen")

    assert seen("a1", X_Tenant="a") == ["a1"]
    assert seen("a2", X_Tenant="a", serve_multiplexed_model_id="a") == ["a1", "a2"]
    assert seen("b1", X_Tenant="b") == ["b1"]
    assert seen("n1") == ["n1"]
    assert seen("n2") == ["n2"]
    for headers in (
        {"X-Tenant": "b", "serve-multiplexed-model-id": "a"},
        {"serve_multiplexed_model_id": "a"},
    ):
        refused = ask(nodes.url, {}, headers)
        assert refused.status_code == 400
        assert refused.json()["error"] == (
            "the header serve_multiplexed_model_id names another trust domain than the header X-Tenant: send"
            " one of them"
        )


def test_a_domain_is_sent_where_it_has_been(nodes: Nodes, handler: Path) -> None:  # noqa: ARG001
    handle = serve.run(application(handler, isolation="domain", num_replicas=2))
    tenants = {name: handle.options(multiplexed_model_id=name) for name in ("a", "b")}
    pids: dict[str, list[int]] = {}

    def settled() -> bool:
        for name, tenant in tenants.items():
            answer = tenant.invoke.remote({"name": name}).result()
            pids[name] = [*pids.get(name, []), answer["pid"]][-20:]
        return all(len(kept) == 20 and len(set(kept)) == 1 for kept in pids.values())

    # Ray hears of domains from time to time, so the first requests go anywhere.
    eventually(settled, "20 requests of each domain at one replica")
    assert pids["a"][0] != pids["b"][0]


def somebody_listens(path: Path) -> bool:
    """Nodes that were killed leave their sockets behind."""
    with socket.socket(socket.AF_UNIX) as asking:
        return asking.connect_ex(str(path)) == 0


@pytest.mark.may_skip("only root may run functions as another user")
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_functions_reach_neither_the_cluster_nor_its_sockets(nodes: Nodes) -> None:
    place = Path("/tmp/ray/session_latest/sockets").resolve()  # noqa: S108
    sockets = [str(path) for path in place.iterdir() if somebody_listens(path)]
    assert sockets
    host, _, port = nodes.address.rpartition(":")
    doors: list[Any] = [[host, int(port)], [HOST, nodes.port], *sockets]
    with (
        tempfile.TemporaryDirectory() as folder
    ):  # pytest's own, and perhaps this Python, are closed to others
        Path(folder).chmod(0o755)
        program = Path(folder, "probing.py")
        program.write_text(PROBING)
        found = {}
        for uid in (None, NOBODY):
            serve.run(application(["/usr/bin/python3", str(program)], uid=uid))
            found[uid] = ask(nodes.url, {"connect": doors}).json()["found"]
    assert found[None] == ["Network is unreachable", "Connection refused", *["connected"] * len(sockets)]
    assert found[NOBODY] == [
        "Network is unreachable",
        "Connection refused",
        *["Permission denied"] * len(sockets),
    ]


def test_what_requests_print_is_not_in_a_log_that_they_can_read(nodes: Nodes, handler: Path) -> None:
    secret = f"secret-{time.time_ns()}"
    serve.run(application(handler))
    assert ask(nodes.url, {"print": secret}).status_code == 200
    logs = Path("/tmp/ray/session_latest/logs").resolve()  # noqa: S108

    def quoted() -> list[str]:
        return [path.read_text(errors="replace") for path in logs.glob("worker-*.err")]

    eventually(lambda: any('"event": "request"' in text for text in quoted()), "the event of the request")
    assert not any(secret in text for text in quoted())


def test_metrics_have_their_names_in_prometheus(nodes: Nodes, handler: Path) -> None:
    serve.run(application(handler, name="measured"))
    for _ in range(3):
        assert ask(nodes.url, {}).status_code == 200
    assert ask(nodes.url, {"exit": True}).status_code == 502
    alive = [node for node in ray.nodes() if node["Alive"]]
    ports = [f"http://{node['NodeManagerAddress']}:{node['MetricsExportPort']}" for node in alive]
    wanted = {
        "groundhog_requests_total ok": 3,
        "groundhog_requests_total FunctionExitedError": 1,
        "groundhog_answers_total 200": 3,
        "groundhog_answers_total 502": 1,
        "groundhog_restore_seconds_count": 3,
        "groundhog_workers clean": 1,
    }

    def found() -> dict[str, float]:
        text = "".join(httpx.get(f"{port}/metrics", timeout=10).text for port in ports)
        samples = re.findall(r"^ray_(groundhog_\w+)\{(.*?)\} (\S+)$", text, re.MULTILINE)
        values = {}
        for name, labels, value in samples:
            if 'deployment="measured"' in labels:
                kind = re.search(r'(?:outcome|status|reason|state)="([^"]*)"', labels)
                values[f"{name} {kind[1]}" if kind else name] = float(value)
        return {name: values[name] for name in wanted if name in values}

    eventually(lambda: found() == wanted, "the metrics of the requests")


def configure(handler: Path, **user_config: Any) -> None:
    """Deploy two replicas as `serve deploy` does, which changes those that run."""
    configured = {
        "name": "default",
        "import_path": "groundhog.platforms.ray_serve:configured",
        "args": {"target": str(handler), "num_replicas": 2},
        "deployments": [{"name": "groundhog", "user_config": user_config}],
    }
    _get_global_client().deploy_apps(ServeDeploySchema.model_validate({"applications": [configured]}))


def configured_first(nodes: Nodes, handler: Path, **user_config: Any) -> set[Running]:
    """The replicas of the first settings."""
    configure(handler, **user_config)
    eventually(lambda: "default" in serve.status().applications and nodes.serving(2), "the first settings")
    return set(nodes.replicas())


def test_other_settings_come_without_a_lost_request(nodes: Nodes, source: Source, report: list[str]) -> None:
    handler = source("handler.py", LEAKING)
    replicas = configured_first(nodes, handler, env={"VERSION": "1"})
    load = Load(nodes.url, {"sleep": 0.02}, callers=4)
    with load.running():
        load.more(40)
        for version in ("2", "3"):
            configure(handler, env={"VERSION": version})
            eventually(
                lambda: all(answer.value["version"] == version for answer in load.answers[-20:]),  # noqa: B023
                "answers of the new settings",
            )
        load.more(40)
    load.check()
    assert load.failed == {}
    assert set(nodes.replicas()) == replicas
    report.append(
        f"settings changed twice: none of {len(load.answers)} requests failed,"
        f" longest pause {load.longest_pause():.2f} s"
    )


def test_settings_that_do_not_start_cost_one_replica_at_most(nodes: Nodes, source: Source) -> None:
    handler = source("handler.py", LEAKING)
    replicas = configured_first(nodes, handler)
    load = Load(nodes.url, {"sleep": 0.02}, callers=4)
    with load.running():
        load.more(40)
        configure(handler, target="/no/such.py")
        eventually(lambda: serve.status().applications["default"].status == "DEPLOY_FAILED", "the failure")
        load.more(40)
    load.check()
    assert load.failed == {}
    assert replicas & set(nodes.replicas())
    message = serve.status().applications["default"].deployments["groundhog"].message
    assert "ConfigError: no such file: /no/such.py" in message


def test_another_function_comes_without_a_lost_request(
    nodes: Nodes, source: Source, report: list[str]
) -> None:
    handler = source("handler.py", LEAKING)
    serve.run(application(handler, num_replicas=2, env={"VERSION": "1"}))
    replicas = set(nodes.replicas())
    load = Load(nodes.url, {"sleep": 0.02}, callers=4)
    with load.running():
        load.more(40)
        serve.run(application(handler, num_replicas=2, env={"VERSION": "2"}))
        eventually(
            lambda: all(answer.value["version"] == "2" for answer in load.answers[-20:]), "the other function"
        )
    load.check()
    assert load.failed == {}
    assert not replicas & set(nodes.replicas())
    report.append(
        f"replicas replaced: none of {len(load.answers)} requests failed,"
        f" longest pause {load.longest_pause():.2f} s"
    )


def test_a_function_that_does_not_start_is_an_error_of_the_deployment(nodes: Nodes, source: Source) -> None:
    broken = source("broken.py", "def main(params): return {}\nraise ValueError('no database')\n")
    with pytest.raises(RuntimeError, match="Deploying application"):
        serve.run(application(broken))
    message = str(serve.status().applications["default"].deployments["groundhog"].message)
    assert "InitError" in message
    eventually(lambda: not nodes.replicas(), "the end of the replicas")


def test_a_replica_ends_its_processes(nodes: Nodes, handler: Path) -> None:
    serve.run(application(handler, workers=2, ray_actor_options={"num_cpus": 1}))
    pid = ask(nodes.url, {}).json()["pid"]
    assert Path(f"/proc/{pid}").exists()
    slow = Load(nodes.url, {"sleep": 1, "name": "slow"}, callers=1)
    with slow.running():
        time.sleep(0.3)
        serve.delete("default")
        slow._stopped.set()
    assert slow.answers[0].status == 200
    eventually(lambda: not Path(f"/proc/{pid}").exists(), "the end of the function's process", 10)
