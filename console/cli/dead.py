"""`quantum dead`: the dead letters of your own flow, and back to where they came from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, NoReturn

import typer

from connectors.dead_letters import DeadLetter, replay
from connectors.errors import RedisDenied, RedisFailure, WrongType
from connectors.text import one_line
from console.queries.dead import MOST_LOOKED_AT, DeadLetters, Wanted, as_row, fields_of, printed, read_dead, read_some
from console.queries.fetch import text
from console.queries.readable import clock, many
from console.terminal.command import EXIT_ACT, EXIT_REDIS, EXIT_USAGE, AsJson, RedisUrl, fail, page, reading, say, write

dead = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

_ID = re.compile(r"[0-9]{1,20}-[0-9]{1,20}")

Key = Annotated[str, typer.Argument(metavar="KEY", help="The stream of dead letters, as the flow names it.")]
OfStream = Annotated[str, typer.Option("--stream", help="Only entries of this stream.")]
WithError = Annotated[str, typer.Option("--error", help="Only those whose error contains this.")]


@dead.callback()
def described() -> None:
    """Dead letters of flows that have them: look at them, and put them back.

    A dead letter is an entry that a function of a flow could not process, kept whole with the cause.
    """


@dead.command("list")
def list_(
    key: Key,
    stream: OfStream = "",
    error: WithError = "",
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=10_000, help="How many, the newest.")] = 20,
    json: AsJson = False,
    redis_url: RedisUrl = None,
) -> None:
    """The newest dead letters.

    A line each: ID, when it failed last (UTC), where the entry was and its ID there, how often it was tried, and why it
    failed. Exit status 3: there is no such stream.

    \b
    quantum dead list orders:dead
    quantum dead list orders:dead --error KeyError --json | jq '.letters[].entry_id'
    """
    with reading(redis_url) as (client, _prefix):
        found = read_dead(client, key, Wanted(stream, error), limit)
    if found is None:
        _missing(key)
    if json:
        rows = [as_row(letter) for letter in found.letters]
        _write_json("dead list", key, total=found.total, looked_at=found.looked_at, others=found.others, letters=rows)
        return
    page("".join(f"{line}\n" for line in lines(found)))


@dead.command("show")
def show(
    key: Key,
    letter_id: Annotated[str, typer.Argument(metavar="ID", help="Of the dead letter, as `list` shows it.")],
    json: AsJson = False,
    redis_url: RedisUrl = None,
) -> None:
    """One dead letter, with all fields of its entry. Exit status 3: there is none with this ID.

    \b
    quantum dead show orders:dead 1764000000000-0
    """
    _check_ids([letter_id])
    with reading(redis_url) as (client, _prefix):
        ((_, letter),) = read_some(client, key, [letter_id])
    if letter is None:
        fail(f"{letter_id} is no dead letter of {one_line(key)}", EXIT_REDIS)
    if json:
        _write_json("dead show", key, **as_row(letter), fields=fields_of(letter))
        return
    page("".join(f"{line}\n" for line in whole(letter)))


@dead.command("replay")
def replay_(
    key: Key,
    ids: Annotated[list[str] | None, typer.Argument(metavar="ID", help="Default: all, the oldest first.")] = None,
    stream: OfStream = "",
    error: WithError = "",
    limit: Annotated[
        int, typer.Option("--limit", "-n", min=1, max=10_000, help="How many at the most, of those not named.")
    ] = 100,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without it, only show what would be done.")] = False,
    json: AsJson = False,
    redis_url: RedisUrl = None,
) -> None:
    """Put entries back into the streams that they came from, each once. Writes, with --yes.

    The entry is appended (with a new ID, behind all others) and its dead letter deleted in one step: however often this
    is asked, by however many, no entry is put back twice. All groups of its stream read it, also those that had no
    trouble with it. The Redis user must be allowed XADD there and XDEL here, by a script; quantum-console is not.

    Exit status 1: some could not be put back.

    \b
    quantum dead replay orders:dead                           what would be done
    quantum dead replay orders:dead --error KeyError --yes    those that failed for that reason
    quantum dead replay orders:dead 1764000000000-0 --yes     this one
    """
    _check_ids(ids or [])
    if ids and (stream or error):
        fail("name dead letters by their IDs, or by --stream and --error", EXIT_USAGE)
    done: list[dict[str, Any]] = []
    failed = False
    with reading(redis_url) as (client, _prefix):
        for name, letter in _chosen(client, key, ids, Wanted(stream, error), limit):
            row = {"id": name} if letter is None else as_row(letter)
            outcome, new_id = ("gone", None) if letter is None else ("would be put back", None)
            if letter is not None and yes:
                try:
                    new_id = replay(client, key, letter)
                    outcome = "gone" if new_id is None else "put back"
                except (WrongType, ValueError) as problem:
                    outcome, failed = str(problem), True
                except RedisFailure as problem:
                    _give_up(key, letter, len(done), problem)
            row |= {"outcome": outcome, "new_id": new_id and text(new_id)}
            done.append(row)
            if not json:
                write(f"{name}  {one_line(outcome)}{_where(letter, row)}\n")
    if json:
        _write_json("dead replay", key, done=yes, letters=done)
    elif not done:
        say(f"no dead letter of {key} is asked for")
    elif not yes:
        say("nothing was done: add --yes")
    if failed:
        raise typer.Exit(EXIT_ACT)


def _chosen(
    client: Any, key: str, ids: list[str] | None, wanted: Wanted, limit: int
) -> Iterable[tuple[str, DeadLetter | None]]:
    if ids:
        return read_some(client, key, list(dict.fromkeys(ids)))
    found = read_dead(client, key, wanted, limit, oldest_first=True)
    if found is None:
        _missing(key)
    return read_some(client, key, [text(letter.key) for letter in found.letters])


def _give_up(key: str, letter: DeadLetter, done: int, problem: RedisFailure) -> NoReturn:
    before = f" ({many(done, 'dead letter')} before it were seen to)" if done else ""
    if isinstance(problem, RedisDenied):
        fail(
            f"this Redis user may not put entries back{before}: it needs XADD on {one_line(printed(letter.stream))} "
            f"and XDEL on {one_line(key)}, in a script (set REDIS_USERNAME to one that has them): {problem}",
            EXIT_REDIS,
        )
    fail(f"stopped at {text(letter.key)}{before}; ask again, none is put back twice: {problem}", EXIT_REDIS)


def _where(letter: DeadLetter | None, row: dict[str, Any]) -> str:
    if letter is None:
        return ""
    new = f" as {row['new_id']}" if row["new_id"] else ""
    return f": {one_line(row['entry_id'])} of {one_line(row['stream'])}{new}"


def lines(found: DeadLetters) -> Iterator[str]:
    """A line for each, and what else there is to know. Pure."""
    for letter in found.letters:
        row = as_row(letter)
        when = "unknown" if letter.failed_at is None else clock(letter.failed_at)
        tried = "" if letter.attempts is None else f", tried {letter.attempts} x"
        origin = f"{one_line(row['entry_id'])} of {one_line(row['stream'])}"
        yield f"{row['id']}  {when}  {origin}{tried}: {one_line(row['error'])}"
    yield _count(found)


def _count(found: DeadLetters) -> str:
    said = f"{len(found.letters):,} shown; the stream has {found.total:,}"
    if found.others:
        said += f", and of {found.looked_at:,} looked at {found.others:,} are no dead letters"
    if found.looked_at >= MOST_LOOKED_AT:
        said += f"; only the first {MOST_LOOKED_AT:,} were looked at"
    return said


def whole(letter: DeadLetter) -> Iterator[str]:
    """All of it, a line each. Pure."""
    for name, value in as_row(letter).items():
        known = clock(value) if name == "failed_at" and value is not None else value
        yield f"{name}: {'unknown' if known is None else one_line(known, 1_000)}"
    yield "fields:"
    for name, value in fields_of(letter):
        yield f"  {one_line(name)}: {one_line(value, 10_000)}"


def _check_ids(ids: Iterable[str]) -> None:
    for one in ids:
        if not _ID.fullmatch(one):
            fail(f"{one_line(one)} is no ID of a dead letter, such as 1764000000000-0", EXIT_USAGE)


def _missing(key: str) -> NoReturn:
    fail(f"there is no stream {one_line(key)}: no dead letters, or another name", EXIT_REDIS)


def _write_json(query: str, key: str, **more: Any) -> None:
    from console.queries.json import dumps, head

    write(dumps(head(query) | {"key": one_line(key, 1_000), **more}))
