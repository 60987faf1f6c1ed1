"""Where metrics are served: on METRICS_PORT, or on a port that the log names."""

from __future__ import annotations

import errno
import re
import socket
import urllib.request
from typing import Any

import pytest
import redis
from prometheus_client import CollectorRegistry, Gauge
from structlog.testing import capture_logs

from connectors import metrics
from connectors.private_redis import free_port
from connectors.settings import RedisSettings
from tests.support.flow_process import FlowProcess
from tests.support.waiting import wait_for


def served(port: int, number: float, address: str = "127.0.0.1") -> dict[str, Any]:
    """The only line that is logged when a registry with a gauge of that number is served."""
    registry = CollectorRegistry()
    Gauge("some", "Some", registry=registry).set(number)
    with capture_logs() as lines:
        metrics.serve(RedisSettings(metrics_port=port, metrics_addr=address), registry)
    (line,) = lines
    return dict(line)


def scrape(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        text: str = answer.read().decode()
    return text


def test_a_port_that_is_free_is_used() -> None:
    port = free_port()
    line = served(port, 7)
    assert (line["log_level"], line["url"]) == ("info", f"http://127.0.0.1:{port}/metrics")
    assert "some 7.0\n" in scrape(line["url"])


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_beside_something_else_on_the_port_a_free_one_is_used_and_named(address: str) -> None:
    with socket.create_server((address, 0), family=socket.AF_INET6 if ":" in address else socket.AF_INET) as other:
        port = other.getsockname()[1]
        line = served(port, 8, address)
    assert (line["log_level"], line["taken"]) == ("warning", port)
    assert f":{port}/" not in line["url"]
    assert "some 8.0\n" in scrape(line["url"])


def test_each_of_several_on_one_port_is_served_somewhere() -> None:
    port = free_port()
    urls = [served(port, number)["url"] for number in range(3)]
    assert len(set(urls)) == 3
    assert [f"some {number}.0\n" in scrape(url) for number, url in enumerate(urls)] == [True] * 3


def test_an_address_that_cannot_be_listened_on_costs_the_metrics_only(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(metrics, "start_http_server", refuse)
    line = served(free_port(), 9)
    assert (line["log_level"], "no metrics" in line["event"]) == ("warning", True)


def test_port_0_serves_nothing_and_says_nothing() -> None:
    with capture_logs() as lines:
        metrics.serve(RedisSettings(metrics_port=0), CollectorRegistry())
    assert lines == []


def test_both_processes_of_a_cluster_say_where_their_metrics_are(
    client: redis.Redis, flows: FlowProcess.Factory
) -> None:
    port, addresses = str(free_port()), f"127.0.0.1:{free_port()};127.0.0.1:{free_port()}"
    cluster = [flows("-i", str(number), "-a", addresses, METRICS_PORT=port) for number in range(2)]

    def url(flow: FlowProcess) -> str:
        (found,) = wait_for(lambda: re.findall(r"metrics.* url=(\S+)", flow.log()), "the port of its metrics")
        return str(found)

    urls = [url(flow) for flow in cluster]
    assert len(set(urls)) == 2
    assert f"http://127.0.0.1:{port}/metrics" in urls
    for one in urls:
        assert "p35_build_info{" in scrape(one)
