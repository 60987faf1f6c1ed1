"""`deploy/install.sh` run again: twice, an upgrade, one that fails, and a way back."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.deploy.conftest import NEWER
from tests.support.installation import ENV, UNITS, Installation, asked, python


def test_the_second_time_it_only_restarts(installed: Installation, tmp_path: Path) -> None:
    one = installed.copy(tmp_path)
    first = one.run()
    assert first.returncode == 0, first.stdout
    # (the copy's systemctl remembers nothing of the first installation)
    assert sorted(one.calls()) == sorted(["daemon-reload", *asked("enable --now", *UNITS)])
    before, links = one.files(), (one.current, one.releases)
    second = one.run()
    assert second.returncode == 0, second.stdout
    assert "built already" in second.stdout
    assert sorted(one.calls()) == sorted(["daemon-reload", *asked("restart", *UNITS)])
    assert one.files() == before
    assert (one.current, one.releases) == links
    assert one.previous is None


def test_an_upgrade_keeps_the_version_before(installed: Installation, upgraded: Installation) -> None:
    assert installed.current is not None
    assert upgraded.current is not None
    assert upgraded.current.startswith(f"releases/{NEWER}-")
    assert upgraded.previous == installed.current
    assert upgraded.releases == {installed.current, upgraded.current}
    assert python(upgraded, "-c", "import flows; print(flows.__version__)") == NEWER


def test_a_version_that_does_not_come_up_is_taken_back(
    installed: Installation, upgraded: Installation, newer_source: Path, tmp_path: Path
) -> None:
    one = upgraded.copy(tmp_path)
    old, new = installed.current, upgraded.current
    assert old is not None
    assert new is not None
    assert one.run("--rollback").returncode == 0
    before = one.files()
    one.calls()
    (one.state / "broken").write_text(new, "utf-8")
    done = one.run(source=newer_source)
    assert done.returncode == 1
    assert f"{new.removeprefix('releases/')} failed; going back to {old.removeprefix('releases/')}" in done.stdout
    assert one.current == old
    assert {name: text for name, text in one.files().items() if "previous" not in name} == {
        name: text for name, text in before.items() if "previous" not in name
    }
    calls = one.calls()
    assert sorted(calls) == sorted(["daemon-reload", *asked("restart", *UNITS)] * 2)


def test_a_version_that_cannot_be_built_changes_nothing(
    installed: Installation, newer_source: Path, tmp_path: Path
) -> None:
    one = installed.copy(tmp_path)
    broken = tmp_path / "broken"
    shutil.copytree(newer_source, broken)
    (broken / "requirements.lock").write_text("this names no package\n", "utf-8")
    before = one.files()
    done = one.run(source=broken)
    assert done.returncode == 1
    assert "requirements.lock could not be installed" in done.stdout
    assert "what was built is removed again, and nothing else was changed" in done.stdout
    assert one.files() == before
    assert (one.current, one.releases) == (installed.current, {installed.current})
    assert one.calls() == []


def test_there_and_back(upgraded: Installation, tmp_path: Path) -> None:
    one = upgraded.copy(tmp_path)
    for _ in range(2):
        here, there = one.current, one.previous
        done = one.run("--rollback")
        assert done.returncode == 0, done.stdout
        assert (one.current, one.previous) == (there, here)
    assert one.current == upgraded.current


def test_without_a_version_before_there_is_no_way_back(installed: Installation, tmp_path: Path) -> None:
    one = installed.copy(tmp_path)
    done = one.run("--rollback")
    assert (done.returncode, one.current) == (1, installed.current)
    assert "no version before" in done.stdout


def test_edited_settings_are_kept_and_the_difference_is_shown(
    installed: Installation, newer_source: Path, tmp_path: Path
) -> None:
    one = installed.copy(tmp_path)
    edited = (one.root / ENV).read_text("utf-8") + "READ_BATCH=77\nREDIS_PASSWORD=secret word\n"
    (one.root / ENV).write_text(edited, "utf-8")
    done = one.run("--flow", "p35")
    assert done.returncode == 0, done.stdout
    assert (one.root / ENV).read_text("utf-8") == edited
    assert "+READ_BATCH=77" in done.stdout
    assert "secret word" not in done.stdout


def test_settings_that_nobody_edited_follow_the_version(
    installed: Installation, upgraded: Installation, newer_source: Path, tmp_path: Path
) -> None:
    one = upgraded.copy(tmp_path)
    assert one.run("--rollback").returncode == 0
    release = one.root / "opt/quantum-flows" / str(upgraded.current)
    name = Path(ENV).name
    delivered = release / "share/quantum-flows/env" / name
    newer = delivered.read_text("utf-8") + "# newer\n"
    delivered.unlink()  # (other copies have the same file)
    delivered.write_text(newer, "utf-8")
    assert one.run("--flow", "p35", source=newer_source).returncode == 0
    assert (one.root / ENV).read_text("utf-8").endswith("# newer\n")
