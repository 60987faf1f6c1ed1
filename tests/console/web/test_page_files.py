"""The files of the page: how much they weigh, what they may not hold, and whose they are."""

from __future__ import annotations

import gzip
import hashlib
import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[3] / "console" / "web" / "page"

LOADED = sorted(path for path in PAGE.rglob("*") if path.suffix in (".js", ".css", ".html", ".svg"))

OURS = [path for path in LOADED if "vendor" not in path.parts]


def test_the_page_weighs_less_than_100_kb() -> None:
    assert len(LOADED) > 25
    assert sum(len(gzip.compress(path.read_bytes(), 9, mtime=0)) for path in LOADED) < 100_000


def test_everything_is_loaded_from_here_and_nothing_is_inline() -> None:
    for path in OURS:
        text = path.read_text("utf-8")
        assert not re.search(r"(?<!xmlns=\")https?://(?!github)|//[a-z]+\.[a-z]{2,}/", text), path
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text), (
            path
        )
    for path in PAGE.glob("*.html"):
        text = path.read_text("utf-8")
        assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", text), path


def test_every_module_is_asked_for_at_once() -> None:
    index = (PAGE / "index.html").read_text("utf-8")
    named = set(re.findall(r'(?:src|href)="/([^"]+)"', index))
    assert all((PAGE / name).is_file() for name in named)
    modules = {str(path.relative_to(PAGE)) for path in (PAGE / "js").glob("*.js")}
    assert modules <= named, "each is in index.html, or the browser finds it only when it has read another"
    for path in OURS:
        for imported in re.findall(r'^import .* from "(.+)";$|^} from "(.+)";$', path.read_text("utf-8"), re.MULTILINE):
            assert (path.parent / next(filter(None, imported))).resolve().is_file(), (path, imported)


def test_what_others_wrote_is_named_and_unchanged() -> None:
    readme = (PAGE / "vendor" / "README.md").read_text("utf-8")
    said = dict(re.findall(r"^\| `(\S+)` \|.*\| `([0-9a-f]{64})` \|$", readme, re.MULTILINE))
    found = {path.name: path for path in (PAGE / "vendor").iterdir() if path.suffix in (".js", ".css")}
    assert said == {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in found.items()}
    for licence in re.findall(r"\]\(([^)]+)\)", readme):
        assert (PAGE / "vendor" / licence).is_file()


def test_a_module_can_be_read_at_once() -> None:
    assert {path.name: lines for path in OURS if (lines := len(path.read_text("utf-8").splitlines())) > 250} == {}
