"""Installations, built once for all tests of a run: building takes as long as everything else together."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from connectors.private_redis import PrivateRedis
from tests.support.installation import BUILD_SECONDS, Installation, copy_source
from tests.support.users import SecuredRedis

NEWER = "99.0.0"
"""Version of the other source tree."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whichever test comes first waits for the versions to be built, two at the most."""
    for item in items:
        if {"installed", "upgraded"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.timeout(3 * BUILD_SECONDS))


@contextmanager
def made_once(factory: pytest.TempPathFactory, name: str) -> Iterator[tuple[Path, bool]]:
    """A folder that all processes of this run share, and whether it has been made; nobody else is here meanwhile."""
    folder = factory.getbasetemp()
    if folder.name.startswith("popen-"):  # (one of several processes of pytest-xdist)
        folder = folder.parent
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = (folder / name / "made").exists()
        yield folder / name, made
        (folder / name / "made").touch()


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """This version in a root. Leave it as it is: copy it."""
    with made_once(tmp_path_factory, "installed") as (folder, made):
        one = Installation(folder / "root", folder / "state")
        if not made:
            done = one.run()
            assert done.returncode == 0, done.stdout
        return one


@pytest.fixture(scope="session")
def newer_source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A source tree of another version."""
    return copy_source(tmp_path_factory.mktemp("newer") / "source", NEWER)


@pytest.fixture(scope="session")
def upgraded(tmp_path_factory: pytest.TempPathFactory, installed: Installation, newer_source: Path) -> Installation:
    """`installed`, upgraded to `newer_source`. Leave it as it is: copy it."""
    with made_once(tmp_path_factory, "upgraded") as (folder, made):
        if made:
            return Installation(folder / "root", folder / "state")
        folder.mkdir()
        one = installed.copy(folder)
        done = one.run(source=newer_source)
        assert done.returncode == 0, done.stdout
        return one


@pytest.fixture
def root(installed: Installation, tmp_path: Path) -> Path:
    """An installed root of one's own."""
    return installed.copy(tmp_path).root


@pytest.fixture
def locked() -> Iterator[PrivateRedis]:
    """A Redis with the users that are delivered, which lets nobody else in."""
    with SecuredRedis() as one, one.client() as anyone:
        anyone.acl_setuser("default", enabled=True, passwords=["+admin"])
        yield one
