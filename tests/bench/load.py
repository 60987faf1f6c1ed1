"""What the stream holds while speed is measured: entries as a function of their number, and what they add up to."""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import dataclass

import redis

from connectors.private_redis import PrivateRedis
from sinks.decisions import stream_key
from sinks.times import minute_name

PREFIX = "quantum"
STREAM = stream_key(PREFIX)

_SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "DOGEUSDT", "TRXUSDT", "XRPUSDT", "ADAUSDT", "1000PEPEUSDT")
_OUTCOMES = (
    ("EXECUTE", ""),
    ("SKIP", "no_position"),
    ("SKIP", "duplicate_plan"),
    ("SKIP", "action_hold"),
    ("BLOCKED", "p33_permit_denied:stale"),
    ("BLOCKED", "not_in_allowlist"),
    ("BLOCKED", "kill_score_critical"),
    ("BLOCKED", "leverage_ratio_exceeded"),
    ("BLOCKED", "insufficient_confidence"),
    ("ERROR", "reconciliation_mismatch"),
)
_MORE_FIELDS = {
    "side": "BUY",
    "qty": "0.125",
    "price": "67012.5",
    "leverage": "3",
    "kill_score": "0.42",
    "confidence": "0.71",
    "source": "apply_layer",
    "strategy": "momentum_15m",
    "mode": "shadow",
    "account": "main",
    "version": "1.14.2",
    "steps_total": "4",
}

# Made inside Redis: a client that packs each entry would take longer than the flow takes to count them.
# KEYS stream. ARGV first number, count, base (epoch seconds), entries a second, then JSON: symbols, outcomes, pairs of
# further fields; and whether to write the fields that matter alone.
_FILL = """
local first, count, base, rate = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local symbols, outcomes, more = cjson.decode(ARGV[5]), cjson.decode(ARGV[6]), cjson.decode(ARGV[7])
for i = first, first + count - 1 do
  local symbol = symbols[i % #symbols + 1]
  local outcome = outcomes[math.floor(i / #symbols) % #outcomes + 1]
  local id = string.format('%d-%d', base * 1000 + math.floor(i * 1000 / rate), i)
  local at = string.format('%d', base + math.floor(i / rate))
  if ARGV[8] == '1' then
    redis.call('XADD', KEYS[1], id, 'symbol', symbol, 'decision', outcome[1], 'error', outcome[2], 'timestamp', at)
  else
    redis.call('XADD', KEYS[1], id, 'plan_id', string.sub(redis.sha1hex(i), 1, 16), 'symbol', symbol,
      'decision', outcome[1], 'executed', outcome[1] == 'EXECUTE' and 'True' or 'False', 'would_execute', 'False',
      'steps_results', '[]', 'error', outcome[2], 'timestamp', at, unpack(more))
  end
end
"""
_PAGE = 20_000


@dataclass(frozen=True, slots=True)
class Load:
    """So many entries, `rate` a second of event time, ending about now. Symbols are equally frequent; reasons, too."""

    entries: int
    fields: int = 8
    symbols: int = 10
    reasons: int = 10
    rate: int = 1_000

    def __post_init__(self) -> None:
        if self.fields not in (4, 8, 20):
            raise ValueError("entries have 4, 8 or 20 fields")

    @property
    def seconds(self) -> int:
        """How much event time it spans."""
        return -(-self.entries // self.rate)

    def symbol_names(self) -> list[str]:
        """The symbols, in order of first use."""
        return [*_SYMBOLS, *(f"COIN{number}USDT" for number in range(self.symbols))][: self.symbols]

    def outcomes(self) -> list[tuple[str, str]]:
        """Decision and reason (empty: none given), in order of first use."""
        return [*_OUTCOMES, *(("BLOCKED", f"made_up_gate_{n}:detail") for n in range(self.reasons))][: self.reasons]

    def begins(self, now: float) -> int:
        """Epoch seconds of the first entry of a load that is written at `now`: a whole minute."""
        return (int(now) - self.seconds) // 60 * 60

    def fill(self, server: PrivateRedis) -> int:
        """Write the entries to a stream that is empty; returns `begins`. Blocks for some 3 s a million."""
        begins = self.begins(time.time())
        with server.client(socket_timeout=60) as client:
            script = client.register_script(_FILL)
            more = [text for pair in _MORE_FIELDS.items() for text in pair] if self.fields == 20 else []
            facts = [json.dumps(value) for value in (self.symbol_names(), self.outcomes(), more)]
            for first in range(0, self.entries, _PAGE):
                count = min(_PAGE, self.entries - first)
                script(keys=[STREAM], args=[first, count, begins, self.rate, *facts, int(self.fields == 4)])
            assert client.xlen(STREAM) == self.entries
        return begins

    def expected(self, begins: int) -> dict[str, dict[str, int]]:
        """The fields of every bucket, by the name of its minute, as if no bucket had a limit."""
        symbols, outcomes = self.symbol_names(), self.outcomes()
        cycle = len(symbols) * len(outcomes)
        kinds: Counter[tuple[int, int]] = Counter()
        for number in range(self.entries):
            kinds[(begins + number // self.rate) // 60, number % cycle] += 1
        buckets: dict[str, Counter[str]] = {}
        for (minute, place), count in kinds.items():
            symbol, (decision, error) = symbols[place % len(symbols)], outcomes[place // len(symbols)]
            reason = error or "none"
            bucket = buckets.setdefault(minute_name(minute), Counter())
            bucket[f"decision:{decision}"] += count
            bucket[f"reason:{reason}"] += count
            bucket[f"symbol_decision:{symbol}:{decision}"] += count
            bucket[f"symbol_reason:{symbol}:{reason}"] += count
        return {name: dict(bucket) for name, bucket in buckets.items()}


def forget_all_but_the_stream(client: redis.Redis) -> None:
    """As if nobody had ever read it."""
    for group in client.xinfo_groups(STREAM):
        client.xgroup_destroy(STREAM, group["name"])
    for key in client.scan_iter(count=10_000):
        if key != STREAM.encode():
            client.unlink(key)
