"""The console script `quantum`, also `python -m console`.

Apart from the rest so that Python does not look for garbage while it imports what all of it stays: that would be a
tenth of the time that an answer takes.
"""

from __future__ import annotations

import gc


def main() -> None:
    """Import the commands, and run the one that was asked for.

    :raises SystemExit: always, see `console.command`.
    """
    gc.disable()
    from console import app

    gc.freeze()
    gc.enable()
    app.main()


if __name__ == "__main__":
    main()
