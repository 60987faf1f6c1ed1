"""One poller for all viewers: what each gets, and when nothing is read."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from console.web.hub import COMMENT, Hub, Topic, Viewer
from console.web.problems import ProblemError


class World:
    """What there is to see, and how often it was looked at."""

    def __init__(self) -> None:
        self.now = {"why": "w1", "health": "h1"}
        self.looks = 0
        self.looked = asyncio.Event()

    def topic(self, name: str, every: int = 1, content: Callable[[str], object] = lambda text: text) -> Topic:
        async def look() -> str:
            self.looks += 1
            return self.now[name]

        return Topic(name, look, every, content)

    def polled(self) -> None:
        self.looked.set()

    async def next_poll(self) -> None:
        """Until a poll that begins later has ended."""
        for _ in range(2):
            self.looked.clear()
            await asyncio.wait_for(self.looked.wait(), 60)


def run(test: Callable[[World, Hub], Coroutine[Any, Any, None]], most: int = 100) -> None:
    async def main() -> None:
        world = World()
        hub = Hub([world.topic("why"), world.topic("health")], 0.05, most, world.polled)
        try:
            await test(world, hub)
        finally:
            hub.stop()

    asyncio.run(main())


def told(piece: bytes) -> list[tuple[str, str]]:
    """Kinds and data of the events in a piece."""
    found = []
    for block in piece.decode().removesuffix("\n\n").split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n"))
        found.append((fields["event"], fields["data"]))
    return found


async def following(viewer: Viewer) -> bytes:
    return await asyncio.wait_for(viewer.next(), 60)


def test_a_new_viewer_gets_all_there_is_and_then_what_changes() -> None:
    async def test(world: World, hub: Hub) -> None:
        viewer = hub.join(None)
        assert told(await following(viewer)) == [("why", "w1"), ("health", "h1")]
        world.now["why"] = "w2"
        assert told(await following(viewer)) == [("why", "w2")]

    run(test)


def test_a_slow_viewer_gets_the_newest_and_no_queue() -> None:
    async def test(world: World, hub: Hub) -> None:
        slow, fast = hub.join(None), hub.join(None)
        await following(slow)
        await following(fast)
        for number in range(5):
            world.now["why"] = f"w{number + 2}"
            assert told(await following(fast)) == [("why", f"w{number + 2}")]
        assert told(await following(slow)) == [("why", "w6")]

    run(test)


def test_one_poller_whatever_the_number_of_viewers_and_none_without() -> None:
    async def test(world: World, hub: Hub) -> None:
        assert world.looks == 0
        viewers = [hub.join(None) for _ in range(50)]
        await asyncio.gather(*map(following, viewers))
        assert world.looks == 2
        for viewer in viewers:
            viewer.leave()
        assert hub.viewers == 0
        looks = world.looks
        await asyncio.sleep(0.2)  # (four poll intervals)
        assert world.looks == looks
        world.now["why"] = "later"
        assert told(await following(hub.join(None))) == [("why", "later"), ("health", "h1")]

    run(test)


def test_one_that_comes_back_gets_what_it_has_not_seen() -> None:
    async def test(world: World, hub: Hub) -> None:
        stays, leaves = hub.join(None), hub.join(None)
        await following(stays)
        await following(leaves)
        last = str(hub.last_id)
        leaves.leave()
        world.now["health"] = "h2"
        await following(stays)
        assert told(await following(hub.join(last))) == [("health", "h2")]
        for unusable in ("9" * 19, "x", "-1", "9" * 30, ""):
            assert len(told(await following(hub.join(unusable)))) == 2

    run(test)


def test_what_has_not_changed_in_what_matters_is_no_event() -> None:
    async def main() -> None:
        world = World()
        world.now = {"why": json.dumps({"as_of": 1, "x": 1})}
        topic = world.topic("why", content=lambda text: json.loads(text)["x"])
        hub = Hub([topic], 0.05, 9, world.polled)
        viewer = hub.join(None)
        await following(viewer)
        world.now["why"] = json.dumps({"as_of": 2, "x": 1})
        await world.next_poll()
        world.now["why"] = json.dumps({"as_of": 3, "x": 2})
        ((_, data),) = told(await following(viewer))
        assert json.loads(data) == {"as_of": 3, "x": 2}
        world.now["why"] = ""
        await world.next_poll()
        assert len(told(await following(hub.join(None)))) == 1
        hub.stop()

    asyncio.run(main())


def test_what_is_looked_at_seldom_holds_up_nothing() -> None:
    async def main() -> None:
        world, never = World(), asyncio.Event()

        async def hang() -> str:
            await never.wait()
            return "?"

        hub = Hub([world.topic("why"), Topic("health", hang, 2)], 0.05, 9, world.polled)
        viewer = hub.join(None)
        for number in range(6):
            assert told(await following(viewer)) == [("why", world.now["why"])]
            world.now["why"] = f"again {number}"
        hub.stop()

    asyncio.run(main())


def test_ids_rise_and_are_of_one_poll() -> None:
    async def test(world: World, hub: Hub) -> None:
        viewer, ids = hub.join(None), []
        for number in range(4):
            piece = await following(viewer)
            found = {line for line in piece.decode().splitlines() if line.startswith("id: ")}
            assert len(found) == 1
            ids.append(int(found.pop().removeprefix("id: ")))
            world.now["why"] = f"again {number}"
        assert ids == sorted(set(ids))

    run(test)


def test_a_silent_stream_is_kept_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.web.hub.COMMENT_SEC", 0.01)

    async def test(_world: World, hub: Hub) -> None:
        viewer = hub.join(None)
        pieces = [await following(viewer) for _ in range(3)]
        assert COMMENT in pieces
        assert COMMENT.startswith(b":")
        assert COMMENT.endswith(b"\n\n")

    run(test)


def test_viewers_are_bounded() -> None:
    async def test(_world: World, hub: Hub) -> None:
        first, _second = hub.join(None), hub.join(None)
        with pytest.raises(ProblemError) as refused:
            hub.join(None)
        assert (refused.value.status, refused.value.retry_after) == (503, 30)
        first.leave()
        first.leave()
        assert hub.viewers == 1
        hub.join(None)

    run(test, most=2)


def test_a_stop_ends_all_streams() -> None:
    async def test(_world: World, hub: Hub) -> None:
        viewers = [hub.join(None) for _ in range(3)]
        await asyncio.gather(*map(following, viewers))
        waiting = [asyncio.create_task(viewer.next()) for viewer in viewers]
        await asyncio.sleep(0)
        hub.stop()
        assert await asyncio.wait_for(asyncio.gather(*waiting), 60) == [b""] * 3
        with pytest.raises(ProblemError):
            hub.join(None)

    run(test)
