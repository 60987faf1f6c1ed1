"""The picture in the README is what `quantum why` shows, and loads nothing from elsewhere."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from xml.etree import ElementTree

import pytest

from console.demo.picture import made_up
from console.demo.simulator import Simulator
from tests.support import oracle
from tests.support.flow_process import ROOT

SVG = "{http://www.w3.org/2000/svg}"


def lines(svg: str) -> list[str]:
    """The lines of the terminal in the picture, each piece after the other."""
    found: dict[float, str] = {}
    for piece in ElementTree.fromstring(svg).iter(f"{SVG}text"):
        if "-matrix" not in piece.get("class", "") and piece.get("clip-path"):
            height = float(piece.get("y", "0"))
            found[height] = found.get(height, "") + "".join(piece.itertext()).replace("\xa0", " ")
    return [found[height].rstrip() for height in sorted(found)]


@pytest.fixture(scope="module")
def picture() -> str:
    """What the command draws."""
    command = [sys.executable, "-m", "console.demo.picture"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=170, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def test_it_shows_the_verdict_and_counts_what_was_published(picture: str) -> None:
    published = [oracle.meaning_of(("0-0", fields)) for fields in made_up(Simulator(35, 50), 1_800_000_000)]
    reasons = Counter(one.reason for one in published)
    executed = sum(one.decision == "EXECUTE" for one in published)
    denied = reasons["p33_permit_denied:stale"] / len(published)
    shown = lines(picture)
    assert shown[0] == "$ quantum why"
    verdict = f"Not trading: p33_permit_denied blocks {denied * 100:.0f} % of decisions"
    assert shown[1].startswith(verdict), shown
    assert shown[1].endswith(f"{executed / len(published) * 100:.0f} % executed")
    assert f"5 minutes: {len(published):,} decisions" in shown[2]
    counted = {
        name: int(text.replace(",", "")) for line in shown for name, text in re.findall(r"^(\S+) +([\d,]+) ", line)
    }
    for reason in ("p33_permit_denied:stale", "none", "no_position", "action_hold", "duplicate_plan"):
        assert counted[reason] == reasons[reason]
    assert max(map(len, shown)) <= 80


def test_what_is_made_up_fills_whole_minutes() -> None:
    begin = 1_800_000_000
    times = [int(fields["timestamp"]) for fields in made_up(Simulator(35, 50), begin) if fields["timestamp"].isdigit()]
    assert times == sorted(times)
    assert {(at - begin) // 60 for at in times} == {0, 1, 2, 3}


def test_it_loads_nothing_from_elsewhere(picture: str) -> None:
    assert re.findall(r"\w+://[^\s\"')]*", picture) == ["http://www.w3.org/2000/svg"]
    assert not re.search(r"@import|@font-face|href|<script", picture)


def test_the_one_in_the_docs_is_up_to_date(picture: str) -> None:
    kept = (ROOT / "docs/answer.svg").read_text("utf-8")
    assert lines(kept) == lines(picture), "run `make picture`"
