"""Rights that a running flow loses and gets back, one after the other."""

from __future__ import annotations

import re

from tests.chaos.conftest import every_version
from tests.chaos.harness import DEADLINE, FULL, Chaos
from tests.chaos.test_processes import freeze_with_work_in_hand
from tests.support import users
from tests.support.flow_process import FlowProcess
from tests.support.waiting import wait_for

USER = "quantum-p35"
SHARE = 2_000 if FULL else 100
SETTINGS = {"READ_BATCH": "20", "STATUS_INTERVAL_SEC": "0.2", "SNAPSHOT_INTERVAL_SEC": "0.2", "LEASE_TTL_SEC": "1"}


def rights(chaos: Chaos) -> list[tuple[str, ...]]:
    """The rules of the flow's user, as ACL SETUSER takes them: whole, and then without each command and each key."""
    name = users.EVERY_VERSION if chaos.server.version == "6.2" else users.FROM_7
    rules = re.findall(r"\([^)]*\)|\S+", users.activated(name).partition("\n")[0])[2:]
    assert rules[1].startswith("#")
    words = sorted({word for rule in rules for word in rule.strip("()").split() if word[0] in "+~"})
    return [tuple(rules), *(tuple(without(rule, word) for rule in rules) for word in words)]


def without(rule: str, word: str) -> str:
    """`rule` without `word`; an empty rule is one that changes nothing."""
    inner = " ".join(one for one in rule.strip("()").split() if one != word)
    return f"({inner})" if rule.startswith("(") else inner or "on"


def start(chaos: Chaos) -> FlowProcess:
    """A flow that has been let in: one that is refused at once would end with status 78."""
    flow = chaos.start(**SETTINGS)
    wait_for(lambda: "connected" in flow.log(), "the flow")
    return flow


@every_version()
def test_a_right_that_is_missing_for_a_while(chaos: Chaos) -> None:
    """Whatever is denied, in whichever step of the protocol: nothing is counted by halves."""
    whole, *reduced = rights(chaos)
    assert len(reduced) > 30
    flow = start(chaos)
    for number, rules in enumerate(reduced):
        if number % 5 == 4:
            # One that dies with work in hand, so that there may be something to take over.
            chaos.publish(SHARE)
            flow.kill()
            flow = start(chaos)
        seen = len(flow.log())
        chaos.raw.execute_command("ACL", "SETUSER", USER, "reset", *rules)
        chaos.fault()
        chaos.publish(SHARE)
        wait_for(
            lambda: chaos.processed() >= chaos.published or "denies" in flow.log()[seen:],  # noqa: B023
            "the counts, or a line that says why not",
            DEADLINE,
        )
        chaos.raw.execute_command("ACL", "SETUSER", USER, "reset", *whole)
        chaos.wait_until_quiet(what=flow.log)
        assert flow.status is None
    chaos.verify()
    assert "Traceback" not in flow.log()


def test_what_is_delivered_is_all_that_the_flow_needs(chaos: Chaos) -> None:
    """No denial was logged while a flow started, counted, took over and left."""
    chaos.publish(SHARE * 5)
    flow = chaos.start(**SETTINGS)
    freeze_with_work_in_hand(chaos, flow)
    flow.kill()
    heir = chaos.start(**SETTINGS)
    chaos.publish(SHARE)  # (for the heir alone: the other may have counted all that there was)
    chaos.wait_until_quiet(what=heir.log)
    assert heir.stop() == 0
    chaos.verify()
    assert chaos.row.claimed > 0
    assert [row for row in chaos.raw.acl_log() if row["username"] == USER] == []
