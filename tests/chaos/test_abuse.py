"""Publishers that are broken or hostile: memory stays bounded, totals stay exact, and nothing reaches the log unasked.

Each scenario has been seen to fail without the mechanism that it guards; see `docs/reliability.md` for how.
"""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest

from tests.chaos.harness import FULL, Chaos
from tests.support import recount
from tests.support.flow_process import FlowProcess
from tests.support.recount import STATUS, STREAM

REASONS = 1_000_000 if FULL else 30_000
SYMBOLS = 100_000 if FULL else 10_000
RANDOM_BYTES = 100_000_000 if FULL else 5_000_000
HUGE = 5_000_000

MAX_FIELDS = 5_000
"""MAX_FIELDS_PER_BUCKET, as it is when nobody sets it."""

MAX_RESIDENT_MIB = 150
MAX_OUTPUT_BYTES = 16 << 20

LOG_LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (info|warning|error) +p35: \S")
WHOLE_READS = {"READ_BATCH": "2000"}

NAMES = (b"decision", b"error", b"details", b"reason", b"symbol", b"timestamp", b"executed", b"plan_id")


def peak_mib(flow: FlowProcess) -> float:
    """The most memory that the process ever held, in MiB."""
    text = Path(f"/proc/{flow.pid}/status").read_text("ascii")
    return int(text.split("VmHWM:")[1].split()[0]) / 1024


def fields_of(chaos: Chaos) -> dict[str, int]:
    """The number of fields of each hash that the flow wrote."""
    keys = [key for key in chaos.raw.scan_iter("quantum:p35:*", count=1_000) if chaos.raw.type(key) == b"hash"]
    return {key.decode(): chaos.raw.hlen(key) for key in keys}


def assert_log_is_clean(flow: FlowProcess) -> None:
    for line in flow.log().split("\n")[:-1]:
        assert LOG_LINE.match(line), line
        assert line.isprintable(), line


def bytes_of_outputs(chaos: Chaos) -> int:
    """Memory in Redis of all keys but the stream."""
    keys = (key for key in chaos.raw.scan_iter(count=1_000) if key != STREAM.encode())
    return sum(chaos.raw.memory_usage(key, samples=0) or 0 for key in keys)


@pytest.mark.parametrize("others", ["unknown decisions", "known decisions"])
def test_a_million_reasons_within_a_minute(chaos: Chaos, others: str) -> None:
    flow = chaos.start(**WHOLE_READS)
    stamp = str(int(time.time()) - 60)
    for start in range(0, REASONS, 2_000):
        chaos.add(
            [
                {
                    "symbol": f"S{number % SYMBOLS}",
                    "decision": f"D{number}" if others == "unknown decisions" else "EXECUTE",
                    "error": f"reason {number}",
                    "timestamp": stamp,
                }
                for number in range(start, min(start + 2_000, REASONS))
            ],
        )
    chaos.fault()
    chaos.wait_until_quiet(what=flow.log)
    chaos.verify_totals(REASONS)
    (bucket,) = recount.buckets(chaos.raw).values()
    for start in ("decision:", "reason:", "symbol_decision:", "symbol_reason:"):
        assert sum(count for field, count in bucket.items() if field.startswith(start)) == REASONS
    assert bucket["reason:__other__"] > 0
    assert int(chaos.raw.hget(STATUS, "overflow_total")) >= bucket["reason:__other__"]
    assert max(fields_of(chaos).values()) <= 2 * MAX_FIELDS + 20, fields_of(chaos)
    assert bytes_of_outputs(chaos) < MAX_OUTPUT_BYTES
    assert peak_mib(flow) < MAX_RESIDENT_MIB
    assert_log_is_clean(flow)


def test_random_bytes(chaos: Chaos) -> None:
    flow = chaos.start(**WHOLE_READS)
    rng, left = chaos.rng, RANDOM_BYTES
    now = int(time.time())
    mean = RANDOM_BYTES // 2_000
    while left > 0:
        entries = []
        for _ in range(50):
            fields: dict[bytes | str, bytes | str] = {}
            for _ in range(rng.randrange(1, 8)):
                name = rng.choice(NAMES) if rng.random() < 0.7 else rng.randbytes(rng.randrange(40))
                size = rng.randrange(2 * mean // 4) if rng.random() < 0.5 else rng.randrange(20)
                fields[name] = rng.randbytes(size)
            if rng.random() < 0.8:
                fields[b"timestamp"] = str(now - rng.randrange(1_800))
            entries.append(fields)
            left -= sum(len(name) + len(value) for name, value in fields.items())
        chaos.add(entries)
    chaos.fault()
    chaos.wait_until_quiet(what=flow.log)
    chaos.verify()
    assert peak_mib(flow) < MAX_RESIDENT_MIB
    assert_log_is_clean(flow)


def test_messages_of_megabytes(chaos: Chaos) -> None:
    flow = chaos.start(**WHOLE_READS)
    filler = "x" * HUGE
    entries: list[dict[bytes | str, bytes | str]] = [
        {"symbol": "BTCUSDT", "decision": "SKIP", "error": filler},
        {"symbol": filler, "decision": filler, "timestamp": filler},
        {"symbol": "BTCUSDT", "executed": "false", "details": json.dumps({"error": filler})},
        {"symbol": "BTCUSDT", "executed": "false", "details": json.dumps({"a": filler, "error": "small"})},
        {"symbol": "BTCUSDT", "executed": "false", "details": "[" * HUGE},
        {"symbol": "BTCUSDT", "executed": "false", "details": '{"error":' * 100_000},
        {f"field {number}": "value" for number in range(100_000)},
    ]
    for entry in entries * (5 if FULL else 1):
        chaos.add([entry])
    chaos.fault()
    chaos.publish(100)
    chaos.wait_until_quiet(what=flow.log)
    chaos.verify()
    assert peak_mib(flow) < MAX_RESIDENT_MIB
    assert_log_is_clean(flow)


HOSTILE = "\r\n2026-01-01T00:00:00.000Z error   p35: forged \x1b[31m\x07\u2028\u202e\x00"


def test_control_characters_everywhere(chaos: Chaos) -> None:
    """Also where operators leave them: in the names of consumers."""
    chaos.raw.xgroup_create(STREAM, recount.GROUP, "0", mkstream=True)
    names = [name.decode() for name in NAMES]
    chaos.add([{name: HOSTILE for name in names if name != left_out} for left_out in (*names, "")])
    details = json.dumps({"error": HOSTILE})
    chaos.add([{"decision": "SKIP", "symbol": f"a{HOSTILE}b", HOSTILE: "x", "details": details}])
    chaos.raw.xreadgroup(recount.GROUP, f"operator{HOSTILE}", {STREAM: ">"}, count=3)
    flow = chaos.start(**WHOLE_READS)
    chaos.fault()
    chaos.publish(100)
    chaos.wait_until_quiet(what=flow.log)
    chaos.verify()
    for bucket in recount.buckets(chaos.raw).values():
        assert all(field.isprintable() for field in bucket)
    assert all(name.decode().isprintable() for name in chaos.raw.hkeys("quantum:p35:symbol:last_seen"))
    assert "took over" in flow.log()
    assert "forged" in flow.log(), "shown, but as part of a line"
    assert_log_is_clean(flow)
