"""The subcommands of `quantum` that ask once and print: a module each, or a family."""
