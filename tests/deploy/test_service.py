"""Each service as it is installed: started by its unit's ExecStart, under its env file, its user and its limits."""

from __future__ import annotations

import shutil
from pathlib import Path

import redis

from connectors.private_redis import PrivateRedis, free_port
from tests.support.installation import configure
from tests.support.unit_process import USER, UnitProcess, starting
from tests.support.users import password
from tests.support.waiting import wait_for

P35 = "p35-decision-intelligence"
STREAM, STATUS = "quantum:stream:apply.result", "quantum:p35:status"
MEMORY = 256 * 2**20


def facts(pid: int) -> dict[str, str]:
    """What the kernel says of a process."""
    lines = Path(f"/proc/{pid}/status").read_text("utf-8").splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def test_p35_serves_the_contract_within_its_limits(root: Path, locked: PrivateRedis) -> None:
    (root / f"etc/quantum/credentials/{P35}.redis_password").write_text(password("quantum-p35") + "\n", "utf-8")
    port = free_port()
    place = {"REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(locked.port), "METRICS_PORT": str(port)}
    configure(root, P35, REDIS_USERNAME="quantum-p35", **place)
    one = UnitProcess(root, P35)
    with starting(one), locked.client(password="admin", decode_responses=True) as client:
        one.wait_until_ready()
        for number in range(1_000):
            client.xadd(STREAM, {"decision": "SKIP", "error": f"why:{number % 7}", "symbol": f"S{number % 5}"})
        wait_for(lambda: client.hget(STATUS, "processed_total") == "1000", "all decisions")
        wait_for(lambda: client.hget("quantum:p35:decision:counts:5m", "SKIP") == "1000", "the snapshots")
        wait_for(lambda: any("0% of 1000 decisions" in line for line in one.ears.statuses()), "the verdict")
        kernel = facts(one.pid)
        if one.confined:
            assert kernel["Uid"].split() == [str(USER)] * 4
            assert kernel["Groups"] == ""
            assert {kernel[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}
        assert kernel["NoNewPrivs"] == "1"
        assert (kernel["Seccomp"] == "2") == (shutil.which("systemd-analyze") is not None)
        assert int(kernel["VmHWM"].split()[0]) * 1024 < MEMORY
        assert one.stop() == 0, one.log()
        assert one.ears.messages[-1] == "STOPPING=1"
        assert client.xpending(STREAM, "p35_decision_intel")["pending"] == 0
        assert password("quantum-p35") not in one.log()


def test_without_a_credential_there_is_no_password(root: Path, server: PrivateRedis, client: redis.Redis) -> None:
    configure(root, P35, REDIS_URL=server.url, METRICS_PORT="0")
    one = UnitProcess(root, P35)
    with starting(one):
        one.wait_until_ready()
        assert client.exists(STREAM)
        assert one.stop() == 0


def test_a_wrong_setting_ends_it_with_the_status_that_is_not_tried_again(root: Path) -> None:
    configure(root, P35, READ_BATCH="many")
    one = UnitProcess(root, P35)
    with starting(one):
        assert one.wait() == 78
        assert "READ_BATCH" in one.log()


def test_it_waits_for_redis_and_asks_for_time(root: Path) -> None:
    with PrivateRedis() as late:
        late.kill()
        configure(root, P35, REDIS_URL=late.url, METRICS_PORT="0")
        one = UnitProcess(root, P35)
        with starting(one):
            wait_for(lambda: any(line.startswith("waiting for Redis") for line in one.ears.statuses()), "the trouble")
            assert any(message.startswith("EXTEND_TIMEOUT_USEC=") for message in one.ears.messages)
            late.start()
            one.wait_until_ready()
            assert one.stop() == 0
