"""The users of `deploy/redis`, with passwords for tests: what is delivered is what the tests run under."""

from __future__ import annotations

import hashlib
import re

from connectors.private_redis import DEFAULT_VERSION, PrivateRedis
from tests.support.flow_process import ROOT

FOLDER = ROOT / "deploy" / "redis"
EVERY_VERSION, FROM_7 = "users.acl", "users-7.acl"


def password(user: str) -> str:
    """The password of `user` in the tests."""
    return f"password of {user}"


def login(user: str) -> dict[str, str]:
    """The environment in which a flow logs in as `user`."""
    return {"REDIS_USERNAME": user, "REDIS_PASSWORD": password(user)}


LOGIN = {"REDIS_USERNAME": "quantum-p35", "REDIS_PASSWORD": password("quantum-p35")}
"""The environment in which a flow logs in as its own user."""


def lines(name: str) -> dict[str, str]:
    """User -> their line in the file `name`, as delivered."""
    return dict(re.findall(r"^(?=user (\S+))(.+)$", (FOLDER / name).read_text("utf-8"), re.MULTILINE))


def activated(name: str) -> str:
    """The file `name` as an administrator installs it: no comments, and every user may log in."""
    result = ""
    for user, line in lines(name).items():
        digest = hashlib.sha256(password(user).encode()).hexdigest()
        result += line.replace(f"user {user} off ", f"user {user} on #{digest} ") + "\n"
    return result


class SecuredRedis(PrivateRedis):
    """A private server with the users of `deploy/redis`. Whoever does not log in may do anything, as the tests do."""

    def __init__(self, version: str = DEFAULT_VERSION, users: str | None = None, **options: str) -> None:
        super().__init__(version, None, **options)
        path = self.folder / "users.acl"
        path.write_text(activated(users or (EVERY_VERSION if version == "6.2" else FROM_7)), "utf-8")
        self._options["aclfile"] = str(path)
