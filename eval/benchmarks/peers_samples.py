"""What is kept of a run beside the peers. Keys are the names of contenders, `fused` where ours are but one."""

from __future__ import annotations

from pydantic import BaseModel


class Setup(BaseModel):
    """What a contender ran on. `agreement` is the cosine of its vector of one text to ours."""

    versions: dict[str, str]
    agreement: float


class Ingested(BaseModel):
    """Files made an index; memory is the highest of the process and its children, in 10^6 bytes as the disk is."""

    passages: int
    seconds: float
    peak_mb: float
    disk_mb: float


class Cold(BaseModel):
    """From the start of a process to its first answer, once a round."""

    seconds: list[float] = []
    memory_mb: list[float] = []


class Warm(BaseModel):
    """One question at a time. `found` counts passages; `first` and `among` how often the right document was there."""

    ms: list[float] = []
    found: list[int] = []
    first: int = 0
    among: int = 0
    memory_mb: float = 0.0


class Measured(BaseModel):
    """The samples. Those of one round stand at the same place in every list."""

    documents: int
    characters: int
    handed: int
    questions: int
    missing: dict[str, str] = {}
    setups: dict[str, Setup] = {}
    files: dict[str, Ingested] = {}
    handed_seconds: dict[str, list[float]] = {}
    cold: dict[str, Cold] = {}
    warm: dict[str, Warm] = {}
    floor_ms: list[float] = []

    def forget(self, name: str) -> None:
        """Keep nothing of a contender that did not get to the end."""
        for kept in (self.setups, self.files, self.handed_seconds, self.cold, self.warm):
            kept.pop(name, None)
