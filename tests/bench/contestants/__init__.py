"""Programs that read the stream of decisions, each to be run as a process: `python -m tests.bench.contestants.floor`.

What they count, and under which names, is the same for all but the floor, which counts nothing. What an entry means is
worked out by the flow's own functions, so that they differ in plumbing alone.
"""
