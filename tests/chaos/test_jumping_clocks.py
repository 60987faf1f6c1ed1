"""Stream IDs and the clock of the flow jump by a day.

Each scenario has been seen to fail without the mechanism that it guards; see `docs/reliability.md` for how.
"""

from __future__ import annotations

import time
from pathlib import Path

from tests.chaos.harness import LARGE_SHARE, ROUNDS, SEED, SHARE, SMALL_READS, Chaos
from tests.support.recount import STREAM


def test_stream_ids_jump_a_day_ahead(chaos: Chaos) -> None:
    """Guards that the minute of an entry comes from the entry alone, here from its ID."""
    flow = chaos.start(**SMALL_READS)
    chaos.publish(SHARE)
    chaos.wait_for_progress(flow, chaos.rng.randrange(1, SHARE))
    ahead = (int(time.time()) + 86_400) * 1000
    chaos.raw.xadd(STREAM, {"symbol": "BTCUSDT", "decision": "SKIP", "timestamp": str(ahead // 1000)}, id=f"{ahead}-0")
    chaos.raw.xadd(STREAM, {"symbol": "BTCUSDT", "decision": "SKIP"}, id=f"{ahead}-18446744073709551614")
    chaos.published += 2
    # The clock is right again; IDs cannot go back.
    chaos.publish(1)
    chaos.publish(SHARE)
    flow.kill()
    chaos.fault()
    flow = chaos.start()
    chaos.wait_until_quiet(what=flow.log)
    chaos.verify()


JUMPING_CLOCK = """
import datetime, random, sys, time

DAY, random = 86_400, random.Random(SEED)
_time, _offset, _until = time.time, 0.0, 0.0

def jumping_time():
    global _offset, _until
    now = time.monotonic()
    if now > _until:
        _offset, _until = random.choice((-DAY, -60, 0, 60, DAY)), now + random.uniform(0.01, 0.3)
    return _time() + _offset

class JumpingDatetime(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        # What the runtime is told about its next turn, it compares with a clock that cannot be moved from here.
        told = sys._getframe(1).f_code.co_name in ("next_batch", "__init__")
        return cls.fromtimestamp(_time() if told else jumping_time(), tz)

time.time = jumping_time
datetime.datetime = JumpingDatetime
"""


def test_the_clock_of_the_flow_jumps(chaos: Chaos, tmp_path: Path) -> None:
    """Guards that the minute of an entry comes from the entry alone, and that nothing waits by the wall clock."""
    (tmp_path / "sitecustomize.py").write_text(f"SEED = {SEED}\n{JUMPING_CLOCK}", "ascii")
    for _ in range(ROUNDS):
        flow = chaos.start(**SMALL_READS, PYTHONPATH=str(tmp_path))
        for _ in range(4):
            chaos.publish(LARGE_SHARE // 4)
            chaos.wait_for_progress(flow, chaos.rng.randrange(1, LARGE_SHARE // 4))
            chaos.fault()
        flow.kill()
    flow = chaos.start(**SMALL_READS, PYTHONPATH=str(tmp_path))
    chaos.wait_until_quiet(what=flow.log)
    chaos.verify()
