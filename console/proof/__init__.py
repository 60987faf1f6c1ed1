"""`quantum proof`: shows that a running flow keeps its contract, with symbols and plans of the proof's own.

`checks` is what all proofs share; beside it, a module a flow. Expected values are computed here, from the contract's
formulas: a flow's own arithmetic proves nothing about it.
"""
