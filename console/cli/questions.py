"""`quantum why`, `symbols`, `share`, `drift`, `health` (queries a to e), `all` of them at once, and `compare`."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from console.cli.query import Ask, query
from console.cli.when import Length
from console.queries import asked
from console.queries.answers import Shares
from console.queries.compare import ask_compare
from console.terminal.command import EXIT_ACT, EXIT_REDIS, OfApp, as_counted

Names = Annotated[
    list[str] | None, typer.Argument(metavar="SYMBOL", help="Default: the ten busiest.", show_default=False)
]
Threshold = Annotated[
    float | None,
    typer.Argument(
        min=0, max=100, help="Percent. Default: P35_ALERT_THRESHOLD_MEDIUM, 40 unless it is set.", show_default=False
    ),
]


@query("why")
def why() -> Ask:
    """Why are we not trading now?

    The answer in a sentence, the decisions of the window, its top 15 reasons with counts and shares, and the skip rate;
    and the last full minute, where it clearly differs from the window. (Reasons are always whole here, as share folds
    them into gates; --full does not cut them to the screen.)

    \b
    quantum why                  the last five minutes
    quantum why -w 1h            the last hour
    quantum why --ago 1h         as it was an hour ago; --at 14:05, as it was then
    quantum why --watch          again every two seconds
    quantum why --json | jq .skip_rate
    """
    return asked.ask_why


@query("symbols")
def symbols(names: Names = None) -> Ask:
    """What blocks each symbol: its top 10 gates.

    Shares are of the decisions on that symbol. Without names, the ten symbols with the most decisions. Names may be
    typed in any case; for an unknown one, the nearest known names are listed.

    \b
    quantum symbols                    the busiest
    quantum symbols btcusdt ETHUSDT    these two
    quantum symbols BTCUSDT -w 1h --full
    """
    return partial(asked.ask_symbols, names=[as_counted(name) for name in names or ()])


@query("share")
def share() -> Ask:
    """Which gates block most: the top 10, and their shares.

    Shares are of all decisions. A gate above P35_ALERT_THRESHOLD_MEDIUM (40 % unless it is set) is flagged.

    \b
    quantum share                the last five minutes
    quantum share -w 15m --full  whole reasons, not folded at their first colon
    """
    return asked.ask_share


def _drifted(answer: Shares) -> int:
    if answer.gates:
        return EXIT_ACT
    unknown = not answer.window.total and not answer.flow.running and answer.flow.blind
    return EXIT_REDIS if unknown else 0


@query("drift", status=_drifted)
def drift(threshold: Threshold = None) -> Ask:
    """Does a gate block more than THRESHOLD percent of decisions? For cron.

    Exit status 0: none does. 1: one does. 3: unknown, because Redis does not answer, or because nothing was counted in
    the window and flows.p35 is not running.

    \b
    quantum drift                       above 40 %
    quantum drift 60 -w 15m             above 60 % over a quarter of an hour
    quantum drift >/tmp/drift || mail -s "not trading" ops </tmp/drift
    """
    return partial(asked.ask_drift, threshold=threshold and threshold / 100)  # (None stays None, and 0 stays 0)


@query("health", without=("at", "ago", "full"))
def health(app: OfApp = None) -> Ask:
    """Is the counting service healthy, and which flows run?

    Its status, pending, lag, consumers and systemd unit; each flow that runs or should; and what was counted recently.
    With --flow: whether that App runs, its groups and their consumers, dead letters, and entries that were lost.

    Exit status 0 whatever the answer; for monitoring, use `quantum check`. 3: Redis does not answer; with --json the
    object then says redis_up: false.

    \b
    quantum health
    quantum health --json | jq .group.lag
    quantum health --flow orders
    """
    return asked.ask_health if app is None else partial(asked.ask_app, name=app)


@query("all", without=("at", "ago"))
def all_queries() -> Ask:
    """Questions a to e on one screen.

    On a terminal, a summary of each; elsewhere, and with --full, everything.

    \b
    quantum all --watch
    quantum all > report.txt
    """
    return asked.ask_everything


@query("compare", without=("at",))
def compare(ago: Length = "1h") -> Ask:  # noqa: ARG001 (it is one of the Options)
    """What has changed: a window then and now, side by side.

    Both verdicts, the decisions, and the top gates of either window, those that changed most first, with the difference
    of their shares in percentage points. It is coloured where it is clear: surely 10 points or more.

    \b
    quantum compare              an hour ago
    quantum compare 1d -w 1h     the last hour, and the same hour of yesterday
    quantum compare --json | jq '.rows[] | select(.clear)'
    """
    return ask_compare
