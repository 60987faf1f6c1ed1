"""The demo: a private Redis, made-up decisions, `flows.p35` on them, and a live view. `python -m console.demo`."""
