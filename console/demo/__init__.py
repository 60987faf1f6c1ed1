"""The demo: a private Redis, made-up decisions, the flows on them, and a live view. `python -m console.demo`."""
