"""The subcommands of `quantum`, a module each or a family: what may be typed, and no more."""
