"""The read model of alerts: what was published, what fires, what receivers were sent, and the answer of all that."""
