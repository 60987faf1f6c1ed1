"""What is an alert: what the rules look at, the rules, the life of an alert, and what it says."""
