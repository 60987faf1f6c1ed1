"""The command `quantum`: questions about the running system. Each reads, and changes nothing.

Only `proof` and `dead replay --yes` write.

Settings are those of the flows, from the environment. What a subcommand is given, and what it does, is in
`console.cli`; what its exit status means, in `console.terminal.command`.
"""

from __future__ import annotations

import gc
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from connectors.settings import EXIT_BUG
from connectors.text import one_line
from console.audit.command import verify
from console.cli import questions
from console.cli.alerts import alerts
from console.cli.check import check
from console.cli.dead import dead
from console.cli.history import history
from console.cli.lag import lag
from console.cli.notify import notify
from console.cli.report import report
from console.cli.tail import tail
from console.cli.trend import trend
from console.guide.command import explain
from console.proof.command import proof
from console.terminal.command import EXIT_INTERRUPTED, UNWRITABLE, fail, unwritable, write
from console.watch.command import watch
from console.web.command import serve

LETTERS = {"a": "why", "b": "symbols", "c": "share", "d": "drift", "e": "health"}


_WHOLE = 1_000
"""Characters of a summary: more than any has."""


class Commands(TyperGroup):
    """The subcommands; the five questions may be asked by their letters."""

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The subcommand of that name or letter."""
        return super().get_command(ctx, LETTERS.get(cmd_name, cmd_name))

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Their names and what they do, whole: on two lines where that is longer than one, and not cut."""
        found = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl([(name, one.get_short_help_str(_WHOLE)) for name, one in found if not one.hidden])


app = typer.Typer(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=True,
)


def main() -> None:
    """Run the subcommand that the command line names.

    :raises SystemExit: always, see `console.terminal.command`.
    """
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
    sys.stderr.reconfigure(errors="replace")  # type: ignore[union-attr]
    try:
        app(prog_name="quantum")
    except KeyboardInterrupt:
        raise SystemExit(EXIT_INTERRUPTED) from None
    except Exception as error:
        if isinstance(error, OSError) and error.errno in UNWRITABLE:  # (a help text, which is not ours to write)
            unwritable(error)
        fail(f"this is a bug: {type(error).__name__}: {one_line(error)}", EXIT_BUG)
    finally:
        gc.freeze()  # or Python would end by walking through all that was imported, for a tenth of a second


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        write(f"quantum {version('quantum-flows')}\n")
        raise typer.Exit


@app.callback()
def quantum(
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Ask the trading system why it does what it does. Changes nothing (except proof, and dead replay --yes).

    quantum notify --test sends messages to the receivers of alerts.

    Redis is found at --redis-url, else at REDIS_URL, else at REDIS_HOST, REDIS_PORT and REDIS_DB; a password is best in
    REDIS_PASSWORD_FILE. KEY_PREFIX is the first part of all keys.

    The questions why, symbols, share, drift and health may also be asked as a, b, c, d and e.

    Answers go to standard output, messages to standard error; colour and cutting to size are for terminals only, and
    NO_COLOR is heeded. Exit status: 0 answered, 1 the answer calls for action, 2 wrong usage, 3 Redis does not answer
    or holds nothing to ask about, 74 the answer cannot be written, 78 a setting is wrong,
    130 interrupted.
    """


app.command("why")(questions.why)
app.command("symbols")(questions.symbols)
app.command("share")(questions.share)
app.command("drift")(questions.drift)
app.command("health")(questions.health)
app.command("all")(questions.all_queries)
app.command("compare")(questions.compare)
app.command("history")(history)
app.command("trend")(trend)
app.command("watch")(watch)
app.command("explain")(explain)
app.command("alerts")(alerts)
app.command("lag")(lag)
app.command("check")(check)
app.command("tail")(tail)
app.command("report")(report)
app.command("serve")(serve)
app.add_typer(dead, name="dead")
app.add_typer(proof, name="proof")
app.command("verify")(verify)
app.command("notify")(notify)


if __name__ == "__main__":
    main()
