"""The read model: what can be asked, as frozen values, and their JSON. Knows no terminal and no HTTP; never writes."""
