"""Where Redis is: the URL or its parts, what of them is refused, and what of them is shown."""

from __future__ import annotations

import pytest

from connectors.connection import connect
from connectors.errors import SettingsError
from connectors.settings import RedisSettings, load

SECRET = "s3cret-w0rd"

pytestmark = pytest.mark.usefixtures("bare_environment")

WRONG_URLS = [
    f"redis://user:{SECRET}@host:6379/0?no_such_option=1",
    f"redis://user:{SECRET}@host:6379/0?ssl_ca_certs=/no/tls",
    f"redis://user:{SECRET}@host:6379/0?db=x",
    f"http://user:{SECRET}@host:6379/0",
    f"redis://user:{SECRET}@host:99999/0",
    f"redis://user:{SECRET}@host:0/0",
    f"redis://user:{SECRET}@host:port/0",
    f"redis://:{SECRET}@",
    f"redis://[{SECRET}",
    "localhost:6379",
]


def refusal() -> str:
    """What `load` says about the environment."""
    with pytest.raises(SettingsError) as caught:
        load(RedisSettings)
    return str(caught.value)


@pytest.mark.parametrize("url", WRONG_URLS)
def test_a_wrong_url_is_refused_without_showing_it(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("REDIS_URL", url)
    line = refusal()
    assert line.startswith("setting REDIS_URL=(not shown) is wrong: must look like redis://")
    assert SECRET not in line
    assert line.isprintable()


@pytest.mark.parametrize(
    "url",
    [
        f"redis://user:{SECRET}@host/abc",
        f"redis://user:{SECRET}@host:6379/{SECRET}",
        f"redis://user:{SECRET}@host/-1",
        f"rediss://user:{SECRET}@host/1/2",
        f"redis://user:{SECRET}@host/1%202",
        f"redis://user:{SECRET}@host/0x1",
        f"redis://user:{SECRET}@host/\u0661",
        f"redis://user:{SECRET}@host?db=-1",
        f"redis://user:{SECRET}@host/1?db=1&db=-2",
        f"unix:///run/redis.sock?password={SECRET}&db=-1",
    ],
)
def test_a_database_that_is_no_number_is_refused_and_not_taken_for_0(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("REDIS_URL", url)
    line = refusal()
    assert line.startswith("setting REDIS_URL=(not shown) is wrong: must look like redis://")
    assert "where db is a number" in line
    assert SECRET not in line


@pytest.mark.parametrize(
    ("url", "db"),
    [
        ("redis://host", 0),
        ("redis://host/", 0),
        ("redis://host/0", 0),
        ("rediss://host:1/12", 12),
        ("redis://host/%33", 3),
        ("redis://host?db=4", 4),
        ("redis:///5", 5),
        ("unix:///run/redis.sock", 0),
        ("unix:///run/redis.sock?db=2", 2),
    ],
)
def test_the_database_of_a_url_is_the_one_it_names(monkeypatch: pytest.MonkeyPatch, url: str, db: int) -> None:
    monkeypatch.setenv("REDIS_URL", url)
    assert connect(load(RedisSettings)).connection_pool.connection_kwargs.get("db", 0) == db


@pytest.mark.parametrize(
    ("url", "place"),
    [
        (f"redis://user:{SECRET}@host:7000/3", "host:7000/3"),
        (f"redis://:{SECRET}@host", "host:6379"),
        (f"rediss://user:{SECRET}@host/1?ssl_cert_reqs=none&password={SECRET}", "host:6379/1"),
        (f"unix://user:{SECRET}@/run/redis.sock?db=1&password={SECRET}", "/run/redis.sock"),
    ],
)
def test_the_place_of_redis_names_no_user_and_no_password(
    monkeypatch: pytest.MonkeyPatch, url: str, place: str
) -> None:
    monkeypatch.setenv("REDIS_URL", url)
    assert load(RedisSettings).redis_place() == place


def test_the_place_of_redis_without_a_url_is_made_of_its_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_HOST", "box")
    monkeypatch.setenv("REDIS_DB", "2")
    assert load(RedisSettings).redis_place() == "box:6379/2"


# Where it connects.


def connected(monkeypatch: pytest.MonkeyPatch, **variables: str) -> dict[str, object]:
    """What a client would connect with."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    known = connect(load(RedisSettings)).connection_pool.connection_kwargs
    password, username = (*reversed(known["credential_provider"].get_credentials()), None, None)[:2]
    known = {**known, "username": username, "password": password}
    return {name: known.get(name) for name in ("host", "port", "db", "username", "password", "path") if known.get(name)}


def test_the_url_wins_over_host_port_and_db(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = {"REDIS_HOST": "other", "REDIS_PORT": "1", "REDIS_DB": "9"}
    assert connected(monkeypatch, REDIS_URL="redis://box:7000/3", **parts) == {"host": "box", "port": 7000, "db": 3}


def test_the_urls_own_user_and_password_win_and_what_it_leaves_open_is_filled_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    variables = {"REDIS_USERNAME": "u", "REDIS_PASSWORD": "p"}
    whole = connected(monkeypatch, REDIS_URL="redis://own:word@box:1", **variables)
    assert (whole["username"], whole["password"]) == ("own", "word")
    bare = connected(monkeypatch, REDIS_URL="redis://box:1", **variables)
    assert (bare["username"], bare["password"]) == ("u", "p")


def test_without_a_url_the_parts_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = {"REDIS_HOST": "box", "REDIS_PORT": "1", "REDIS_DB": "9", "REDIS_USERNAME": "u", "REDIS_PASSWORD": "p"}
    expected = {"host": "box", "port": 1, "db": 9, "username": "u", "password": "p"}
    assert connected(monkeypatch, **parts) == expected


def test_a_unix_socket_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = connected(monkeypatch, REDIS_URL="unix:///run/redis.sock?db=2", REDIS_PASSWORD="p")
    assert taken == {"path": "/run/redis.sock", "db": 2, "password": "p"}
