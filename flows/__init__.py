"""The dataflows, and beside them the pure functions that they apply."""

__version__ = "0.1.0"
