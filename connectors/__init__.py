"""Redis Streams for Bytewax, exactly once: a consumer-group source, a transactional commit, and what they need.

A flow reads `Batch` values from a `ConsumerGroupSource`, makes `Part` values of them (which entries, which effects) and
sends those to a `CommitSink`. Nothing in here knows what the entries are about.
"""
