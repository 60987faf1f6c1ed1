"""The HTTP API and the page: `quantum serve`. Only its command is imported before it is asked for."""
