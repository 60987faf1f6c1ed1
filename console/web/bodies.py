"""Bodies of responses: serialized and compressed once, told apart by their content."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

_WORTH_IT = 1_000
"""Bytes, below which nothing is gained by compressing."""


@dataclass(frozen=True, slots=True)
class Body:
    """What is sent, in each of its codings."""

    media_type: str
    plain: bytes
    zipped: bytes | None
    """None: it would not be much shorter."""
    digest: str
    """Of its content, in hexadecimal."""

    @classmethod
    def of(cls, content: bytes, media_type: str = "application/json", *, level: int = 1) -> Body:
        """Compress and digest `content`; takes 0.1 ms a 10 kB at level 1. Pure."""
        zipped = gzip.compress(content, level, mtime=0) if len(content) >= _WORTH_IT else None
        if zipped is not None and len(zipped) > 0.9 * len(content):
            zipped = None
        return cls(media_type, content, zipped, hashlib.blake2b(content, digest_size=12).hexdigest())

    def response(self, request: Request, headers: Mapping[str, str], status: int = 200) -> Response:
        """As `request` takes it: compressed or not, or not at all where its sender has it already.

        A strong ETag names one coding of the content; either is good enough to know that nothing has changed.
        """
        known = request.headers.get("if-none-match")
        zipped = self.zipped is not None and _takes_gzip(request.headers.get("accept-encoding", ""))
        tags = {"ETag": f'"{self.digest}{"-gzip" if zipped else ""}"', "Vary": "Accept-Encoding", **headers}
        if known is not None and status == 200 and self._named_in(known):
            return Response(status_code=304, headers=tags)
        if zipped:
            return Response(self.zipped, status, {"Content-Encoding": "gzip", **tags}, self.media_type)
        return Response(self.plain, status, tags, self.media_type)

    def _named_in(self, known: str) -> bool:
        tags = {tag.strip().removeprefix("W/") for tag in known.split(",")}
        return bool(tags & {"*", f'"{self.digest}"', f'"{self.digest}-gzip"'})


def _takes_gzip(accepted: str) -> bool:
    """Whether the `Accept-Encoding` of a request allows gzip."""
    for coding in accepted.lower().split(","):
        name, _, rest = coding.partition(";")
        if name.strip() in ("gzip", "x-gzip", "*"):
            weight = rest.strip().removeprefix("q=").strip()
            try:
                return not weight or float(weight) > 0
            except ValueError:
                return False
    return False
