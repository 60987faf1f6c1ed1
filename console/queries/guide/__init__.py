"""Read model: what each gate means, and what to do about it."""
