"""All that is pure: values in, values out. No Redis, no Bytewax, no clock, no environment, and no dependency."""
