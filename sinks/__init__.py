"""How each result lies in Redis: one module an output, with its keys, fields and times to live."""
