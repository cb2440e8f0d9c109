"""What is shipped beside the package: that it says what this version understands."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import kubernetes_validate
import pytest
import yaml

from groundhog.cli import group
from groundhog.platforms.metrics import Metrics

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGING = Path(__file__).parents[2] / "packaging"
KUBERNETES = "1.31"
KNATIVE_ONLY = ("containerConcurrency", "timeoutSeconds")


def documents(name: str) -> list[Any]:
    return list(yaml.safe_load_all((PACKAGING / "kubernetes" / name).read_text("utf-8")))


def understood(words: list[str]) -> click.Context:
    """Parse a command line as the program would."""
    command = group.get_command(click.Context(group), words[0])
    assert command is not None, words[0]
    return command.make_context(words[0], words[1:])


def containers() -> Iterator[Any]:
    deployment = next(each for each in documents("deployment.yaml") if each["kind"] == "Deployment")
    (service,) = documents("knative-service.yaml")
    for each in (deployment, service):
        yield each["spec"]["template"]["spec"]["containers"][0]


@pytest.mark.parametrize("document", documents("deployment.yaml"), ids=lambda document: str(document["kind"]))
def test_kubernetes_takes_it(document: Any) -> None:
    kubernetes_validate.validate(document, KUBERNETES, strict=True)


def test_kubernetes_takes_the_pods_of_knative() -> None:
    (service,) = documents("knative-service.yaml")
    assert (service["apiVersion"], service["kind"]) == ("serving.knative.dev/v1", "Service")
    template = service["spec"]["template"]["spec"]
    spec = {key: value for key, value in template.items() if key not in KNATIVE_ONLY}
    spec["containers"] = [{"name": "user-container", **each} for each in spec["containers"]]
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "orders"}, "spec": spec}
    kubernetes_validate.validate(pod, KUBERNETES, strict=True)
    options = understood(template["containers"][0]["args"]).params
    assert (template["containerConcurrency"], template["timeoutSeconds"]) == (
        options["workers"],
        options["timeout"],
    )


@pytest.mark.parametrize("container", list(containers()), ids=["deployment", "knative"])
def test_their_commands_and_probes_are_ours(container: Any) -> None:
    options = understood(container["args"]).params
    (port,) = container["ports"]
    assert (options["port"], options["host"]) == (port["containerPort"], "0.0.0.0")  # noqa: S104 - in a pod
    assert options["workers"] == int(container["resources"]["requests"]["cpu"])
    paths = {probe: value["httpGet"]["path"] for probe, value in container.items() if probe.endswith("Probe")}
    assert {paths.pop("livenessProbe"), *paths.values()} == {"/_/health", "/_/ready"}


def test_the_command_of_the_service_is_ours() -> None:
    text = (PACKAGING / "systemd" / "groundhog@.service").read_text("utf-8")
    (line,) = re.findall(r"^ExecStart=(.*)$", text, re.MULTILINE)
    options = understood(shlex.split(line)[1:]).params
    (limit,) = re.findall(r"^TimeoutStopSec=(.*)$", text, re.MULTILINE)
    assert float(limit) > options["timeout"] + options["drain_delay"]


def test_pods_are_given_the_time_to_end() -> None:
    deployment = next(each for each in documents("deployment.yaml") if each["kind"] == "Deployment")
    spec = deployment["spec"]["template"]["spec"]
    options = understood(spec["containers"][0]["args"]).params
    assert spec["terminationGracePeriodSeconds"] > options["timeout"] + options["drain_delay"]


def test_openwhisk_has_what_it_asks_of_a_kind() -> None:
    """As its own runtimes.json has them."""
    found = json.loads((PACKAGING / "openwhisk/runtimes.json").read_text("utf-8"))
    for family, kinds in found["runtimes"].items():
        for kind in kinds:
            assert kind["kind"].startswith(f"{family}:")
            assert kind["image"].keys() == {"prefix", "name", "tag"}
            assert not kind["default"], "who puts it in has one"
            assert kind["attached"]["attachmentName"] == "codefile"


def test_the_dashboard_shows_all_metrics_and_no_others() -> None:
    dashboard = json.loads((PACKAGING / "grafana/groundhog.json").read_text("utf-8"))
    asked = {
        name
        for panel in dashboard["panels"]
        for target in panel["targets"]
        for name in re.findall(r"\b(?:groundhog|process)_\w+", target["expr"])
    }
    families = {name for family in Metrics().registry.collect() for name in _samples(family)}
    now = {"groundhog_queue_length", "groundhog_snapshot_bytes", "groundhog_workers"}
    known = families | now | {"groundhog_restore_phase_seconds_total"}
    assert asked <= known
    plain = {re.sub(r"_(bucket|count|sum|total|created)$", "", name) for name in known}
    shown = {re.sub(r"_(bucket|count|sum|total)$", "", name) for name in asked}
    assert {name for name in plain if name.startswith("groundhog_")} <= shown


def _samples(family: Any) -> set[str]:
    endings = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum")}
    return {family.name + ending for ending in endings.get(family.type, ("",))}


def test_the_function_of_the_manifests_runs() -> None:
    code = next(each for each in documents("deployment.yaml") if each["kind"] == "ConfigMap")
    function: dict[str, Any] = {}
    exec(code["data"]["handler.py"], function)  # noqa: S102 - it is ours
    assert function["main"]({"name": "Ada"}) == {"seen": ["Ada"]}
    assert function["main"]({"name": "Ben"}) == {"seen": ["Ada", "Ben"]}, "which isolation keeps apart"
