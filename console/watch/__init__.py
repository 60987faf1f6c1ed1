"""`quantum watch`: one screen for the night."""
