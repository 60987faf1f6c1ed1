"""`quantum serve`: the HTTP API and the page."""

from __future__ import annotations

from importlib.util import find_spec

from connectors.settings import EXIT_SETTINGS
from console.terminal.command import EXIT_IO, RedisUrl, fail, read_settings


def serve(redis_url: RedisUrl = None) -> None:
    """Answer over HTTP, and show a page that follows what happens.

    At http://127.0.0.1:8030/ (HTTP_ADDR, HTTP_PORT); the questions are at /api/v1/, described in /openapi.json. It
    reads, and changes nothing. It serves this machine only, unless API_TOKEN_FILE names a file with a token, which
    programs then send as Authorization: Bearer, and people type once. A Redis that is away is waited for. Needs the
    extra web. Ends at SIGTERM or Ctrl-C.

    \b
    quantum serve
    HTTP_PORT=8080 quantum serve
    curl -s http://127.0.0.1:8030/api/v1/why | jq .verdict
    """
    missing = [name for name in ("fastapi", "starlette", "uvicorn") if find_spec(name) is None]
    if missing:
        fail(f"serve needs the package {missing[0]}: pip install 'quantum-flows[web]'", EXIT_SETTINGS)
    from connectors.lifecycle import lifecycle
    from connectors.logs import configure
    from console.web import server
    from console.web.settings import ServeSettings, read_token

    settings = read_settings(ServeSettings, redis_url)
    if settings.token_file is not None:
        try:
            read_token(settings.token_file)
        except ValueError as error:  # (of a credential, which is no setting)
            fail(f"setting API_TOKEN_FILE={str(settings.token_file)!r} is wrong: {error}", EXIT_SETTINGS)
    try:
        sock = server.listen(settings)
    except OSError as error:
        place = f"{settings.http_addr}:{settings.http_port}"
        fail(f"cannot listen at {place}: {error.strerror}; set HTTP_ADDR or HTTP_PORT", EXIT_IO)
    configure(settings, "quantum-console")
    server.serve(settings, sock, lifecycle)
