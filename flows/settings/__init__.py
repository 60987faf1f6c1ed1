"""The settings of each flow: what the contract names, and a few more for operation."""
