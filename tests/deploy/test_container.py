"""The image and the compose file. No engine builds them here: they are linted, parsed, and their commands are run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import redis
import yaml

from connectors.private_redis import PrivateRedis, free_port
from console.web.settings import ServeSettings
from tests.deploy.test_monitoring import PORTS, PROMETHEUS
from tests.support import env_files
from tests.support.flow_process import ROOT, FlowProcess
from tests.support.waiting import wait_for

DOCKERFILE = (ROOT / "deploy/Dockerfile").read_text("utf-8")
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text("utf-8"))["services"]
PROGRAMS = Path(sys.executable).parent


def instructions(name: str) -> list[str]:
    """The arguments of each instruction `name` of the Dockerfile."""
    return re.findall(rf"^{name} (.*)$", DOCKERFILE.replace("\\\n", ""), re.MULTILINE)


def probe(command: list[str], **env: str) -> int:
    """The exit status of a health check's command, run as in the container."""
    path = f"{PROGRAMS}:{os.environ['PATH']}"
    program = shutil.which(command[0], path=path)
    assert program is not None
    environment = {"PATH": path, "PYTHONPATH": str(ROOT), **env}
    return subprocess.run([program, *command[1:]], env=environment, capture_output=True, timeout=240).returncode


def test_a_linter_has_nothing_to_say_against_the_dockerfile() -> None:
    done = subprocess.run([PROGRAMS / "hadolint", ROOT / "deploy/Dockerfile"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_image_holds_what_is_installed_and_runs_as_nobody() -> None:
    copied = {source.rstrip("/") for line in instructions("COPY") for source in line.split()[:-1]}
    assert copied >= {"connectors", "sinks", "flows", "console", "requirements.lock", "pyproject.toml"}
    assert all((ROOT / source).exists() for source in copied if not source.startswith(("--", "/")))
    let_in = (ROOT / "deploy/Dockerfile.dockerignore").read_text("utf-8").splitlines()
    assert {f"!{source}" for source in copied if not source.startswith(("--", "/"))} <= set(let_in)
    assert instructions("USER")[-1] == "10001:10001"
    assert instructions("ENTRYPOINT") == ['["python", "-m", "bytewax.run"]']
    installs = re.findall(r"pip install .*", DOCKERFILE)
    assert len(installs) == 3
    assert all("--require-hashes" in line or "--no-index" in line for line in installs)


def test_the_locked_build_tool_is_found(tmp_path: Path) -> None:
    command = re.search(r"(sed -n .*?) >build\.lock", DOCKERFILE)
    assert command is not None
    found = subprocess.run(["sh", "-c", command[1]], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert re.match(r"setuptools==\S+ \\\n( +--hash=sha256:\w+ \\\n)*( +--hash=sha256:\w+\n)", found)
    assert found.count("==") == 1


@pytest.mark.parametrize("flow", PORTS)
def test_a_flow_in_a_container_is_as_confined_as_its_unit(flow: str) -> None:
    service = SERVICES[flow]
    assert service["command"] == [f"flows.{flow}"]
    assert (service["user"], service["read_only"], service["cap_drop"]) == ("10001:10001", True, ["ALL"])
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert (service["mem_limit"], service["cpus"], service["pids_limit"]) == ("256m", 0.2, 64)
    assert "ports" not in service
    settings = next(kind for name, kind in env_files.SETTINGS.items() if flow in name)
    assert {name.lower() for name in service["environment"]} <= set(settings.model_fields)
    if flow != "p35":
        assert f":{PORTS[flow]}/metrics" in service["healthcheck"]["test"][-1]


def test_the_console_in_a_container_is_confined_and_asks_for_a_token() -> None:
    service, flow = SERVICES["console"], SERVICES["p35"]
    assert (service["entrypoint"], service["command"]) == (["quantum"], ["serve"])
    for limit in ("user", "read_only", "cap_drop", "security_opt", "mem_limit", "pids_limit", "tmpfs"):
        assert service[limit] == flow[limit]
    environment = service["environment"]
    assert {name.lower() for name in environment} <= set(ServeSettings.model_fields)
    assert environment["API_TOKEN_FILE"] == f"/run/secrets/{service['secrets'][0]}"
    assert service["ports"] == ["127.0.0.1:8030:8030"]
    assert service["profiles"]  # (so that all else starts without a token)


@pytest.mark.parametrize("name", SERVICES)
def test_what_runs_is_started_again_after_a_reboot(name: str) -> None:
    # (`on-failure` leaves down what a shutdown has stopped in good order)
    assert SERVICES[name]["restart"] == "unless-stopped"


def test_only_this_machine_reaches_the_containers_and_what_they_mount_is_there() -> None:
    assert set(SERVICES) == {*PORTS, "console", "redis", "prometheus", "grafana"}
    for service in SERVICES.values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
        for volume in service.get("volumes", []):
            source, target, *mode = volume.split(":")
            assert not source.startswith("/")
            if source.startswith("./"):
                assert (ROOT / "deploy" / source).exists()
                assert mode == ["ro"], target
        assert service.get("image", "").rpartition(":")[2] not in ("latest", "")


def test_its_redis_is_set_as_the_documentation_asks() -> None:
    """Without a limit it would take all memory of the machine; what docs/redis.md asks for is an example by size."""
    command = SERVICES["redis"]["command"]
    options = dict(zip(command[1::2], command[2::2], strict=True))
    assert set(options) >= {"--maxmemory", "--maxmemory-policy", "--appendonly", "--aof-load-truncated"}
    assert options["--maxmemory-policy"] == "noeviction"
    with PrivateRedis(**{name.removeprefix("--"): value for name, value in options.items()}) as started:
        memory = started.client().info("memory")
    assert memory["maxmemory"] >= 512 * 1024**2
    assert memory["maxmemory_policy"] == "noeviction"


def test_prometheus_finds_the_containers() -> None:
    groups = yaml.safe_load((PROMETHEUS / "targets.compose.yml").read_text("utf-8"))
    assert {group["labels"]["flow"]: group["targets"] for group in groups} == {
        flow: [f"{flow}:{port}"] for flow, port in PORTS.items()
    }
    assert SERVICES["grafana"]["environment"]["PROMETHEUS_URL"] == "http://prometheus:9090"


def test_p35_is_healthy_while_it_runs(server: PrivateRedis, client: redis.Redis, flows: FlowProcess.Factory) -> None:
    command = yaml.safe_load(instructions("HEALTHCHECK")[0].partition("CMD ")[2])
    one = flows()
    wait_for(lambda: client.exists("quantum:p35:status"), "the service")
    assert probe(command, REDIS_URL=server.url) == 0
    assert one.stop() == 0
    client.delete(*client.keys("quantum:p35:lease:*") or ["none"])
    assert probe(command, REDIS_URL=server.url) == 1


def test_another_flow_is_healthy_while_it_answers(flows: FlowProcess.Factory) -> None:
    port = free_port()
    command = [part.replace(":8044/", f":{port}/") for part in SERVICES["governor"]["healthcheck"]["test"][1:]]
    assert probe(command) == 1
    flows(module="flows.governor", METRICS_PORT=str(port))
    wait_for(lambda: probe(command) == 0, "the answer")
