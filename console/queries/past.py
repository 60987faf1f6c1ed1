"""What is to be known of the service where an answer is about minutes that are over. Pure."""

from __future__ import annotations

from dataclasses import dataclass, fields

from console.queries.service import Service


@dataclass(frozen=True)
class ServiceThen(Service):
    """The service as it is now, which matters to an answer about the past only where that was not all counted."""

    end: float
    """When the minutes in question were over, epoch seconds."""

    @property
    def counted_beyond(self) -> bool:
        """Whether a decision that came after those minutes has been counted."""
        return self.status.last_ts is not None and self.status.last_ts >= self.end

    @property
    def blind(self) -> str:
        """Why those minutes may not be counted, printable and short; empty where they are."""
        return "" if self.counted_beyond else super().blind

    @property
    def warnings(self) -> tuple[str, ...]:
        """Why the numbers may not be what they seem; a printable sentence each."""
        return () if self.counted_beyond else super().warnings


def service_then(service: Service, end: float) -> ServiceThen:
    """`service`, for an answer about minutes that were over at `end` (epoch seconds)."""
    return ServiceThen(**{field.name: getattr(service, field.name) for field in fields(service)}, end=end)
