"""Hypothesis strategies: entries of `apply.result` as publishers, and vandals, write them."""

from __future__ import annotations

import json

from hypothesis import strategies as st

BASE_MS = 1_769_929_020_000
"""2026-02-01 06:57:00 UTC."""

NASTY_TEXT = st.one_of(
    st.text(max_size=12),
    st.text(alphabet="\x00\n\r\t\x1c\x7f\x85\u00a0\u2028\u202e\u2066:aé💥 ", max_size=12),
    st.text(alphabet="xy: ", min_size=120, max_size=140),
)
NASTY_BYTES = st.one_of(NASTY_TEXT.map(str.encode), st.binary(max_size=12))

DECISIONS = st.sampled_from(
    [
        "EXECUTE",
        "EXECUTED",
        "EXEC",
        "SKIP",
        "SKIPPED",
        "BLOCKED",
        "BLOCK",
        "ERROR",
        "FAILED",
        "FAIL",
        "execute",
        "Skip",
        "bLoCk",
        "fail",
        "HOLD",
        "none",
    ]
)
PADDING = st.sampled_from(["", " ", "\t", "\r\n", "\u00a0"])
PADDED_DECISION = st.tuples(PADDING, DECISIONS, PADDING).map(lambda parts: "".join(parts).encode())

REASON = st.one_of(
    st.sampled_from(
        [
            b"",
            b" ",
            b"none",
            b"no_position",
            b"p33_permit_denied:stale",
            b"p33_permit_denied:hold",
            b":x",
            b"duplicate_plan",
        ]
    ),
    NASTY_BYTES,
)

_JSON_VALUE = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
DETAILS = st.one_of(
    st.dictionaries(st.sampled_from(["error", "plan_id", "qty"]), _JSON_VALUE, max_size=3).map(
        lambda value: json.dumps(value).encode()
    ),
    REASON.map(lambda reason: json.dumps({"error": reason.decode("utf-8", "replace"), "side": "BUY"}).encode()),
    _JSON_VALUE.map(lambda value: json.dumps(value).encode()),
    st.sampled_from(
        [
            b"",
            b"{",
            b'{"error"',
            b'{"error": "a", "qty": NaN}',
            b'{"error": "\\ud800"}',
            b'{"\\u0065rror": "escaped"}',
            b'{"error": "first", "error": "last"}',
            b'["error"]',
            b'"error"',
            b'{"details": {"error": "nested"}}',
            b'{"error": "\xff"}',
            b'{"error": "a:\xe9", "qty": NaN}',
            b'{"error": "a", "note": "\xe2\x82\n\x00"}',
            b'\xef\xbb\xbf{"error": "a"}',
            b'\xff{"error": "a"}',
        ]
    ),
    NASTY_BYTES,
)


def _timestamps(id_ms: int) -> st.SearchStrategy[bytes]:
    near = st.integers(-400_000, 400_000).map(lambda delta: id_ms + delta)
    return st.one_of(
        near.map(lambda ms: str(ms // 1000).encode()),
        near.map(lambda ms: f"{ms // 1000}.{ms % 1000:03}".encode()),
        near.map(lambda ms: str(ms).encode()),
        st.sampled_from([0, 1, 299_999, 300_000, 300_001]).map(
            lambda delta: f"{(id_ms + delta) // 1000}.{(id_ms + delta) % 1000:03}".encode()
        ),
        st.sampled_from(
            [
                "nan",
                "NaN",
                "inf",
                "-inf",
                "Infinity",
                "0",
                "-0",
                "0.0",
                "-1",
                "-1769929020",
                "1e9",
                "1e99",
                "1e400",
                "9e-400",
                "x",
                "0x10",
                "1_769_929_020",
                "1769929020.",
                ".5",
                "+1769929020",
                "17699290200000",
                "999999999999",
                "1000000000000",
                "9999999999999",
                "2026-02-01",
            ]
        ).map(str.encode),
        st.sampled_from([b"", b" ", b" 1769929020 ", b"1769929020\n", b"\xff", b"1769929020\x00", b"9" * 1000]),
        st.floats().map(lambda value: repr(value).encode()),
    )


@st.composite
def fields(draw: st.DrawFn, id_ms: int) -> list[tuple[bytes, bytes]]:
    """Name and value pairs of an entry; any may be missing, and some are there twice."""
    strategies = {
        b"plan_id": st.just(b"p1"),
        b"symbol": st.sampled_from([b"BTCUSDT", b"ETHUSDT", b"", b"A:B", b"A", b"A%3AB", b" XRPUSDT "]) | NASTY_BYTES,
        b"decision": st.just(b"") | PADDED_DECISION | NASTY_BYTES,
        b"executed": st.sampled_from([b"true", b"false", b"True", b"FALSE", b" true ", b"", b"1", b"0", b" 0\n", b"no"])
        | NASTY_BYTES,
        b"error": REASON,
        b"details": DETAILS,
        b"reason": REASON,
        b"timestamp": _timestamps(id_ms),
    }
    names = draw(st.lists(st.sampled_from(sorted(strategies)), max_size=10))
    return [(name, draw(strategies[name])) for name in names]


@st.composite
def entries(draw: st.DrawFn, max_size: int = 30) -> list[tuple[str, list[tuple[bytes, bytes]]]]:
    """Entries in stream order, some two minutes of them."""
    steps = draw(st.lists(st.sampled_from([0, 1, 500, 7_000, 60_000]), max_size=max_size))
    listed, id_ms = [], BASE_MS
    for number, step in enumerate(steps):
        id_ms += step
        listed.append((f"{id_ms}-{number}", draw(fields(id_ms))))
    return listed
