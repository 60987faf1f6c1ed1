"""The console script `quantum`, also `python -m console`.

It is apart from the commands, so that Python does not look for garbage in between while it imports them: they stay, and
the looking takes some twenty milliseconds, which is much of what an answer takes.
"""

from __future__ import annotations

import gc
import sys


def main() -> None:
    """Import the commands, and run the one that was asked for.

    :raises SystemExit: always, see `console.terminal.command`.
    """
    gc.disable()
    try:
        from console import app
    except ModuleNotFoundError as error:
        if error.name not in ("orjson", "rich", "typer"):
            raise
        print(f"quantum needs the package {error.name}: pip install 'quantum-flows[console]'", file=sys.stderr)
        raise SystemExit(78) from None  # (EXIT_SETTINGS)

    gc.freeze()
    gc.enable()
    app.main()


if __name__ == "__main__":
    main()
