"""`quantum proof`: a running service does what it promises, shown with symbols and plans of the proof's own.

`checks` is what all proofs share; beside it, a module a flow. They take the contract's numbers from the contract and
work results out by themselves: nothing of a flow's arithmetic is used to prove it.
"""
