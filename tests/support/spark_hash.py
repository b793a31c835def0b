"""The content hash that decides ties, worked out beside Spark: XXH64 as Spark chains it over several values."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import xxhash

from lakehouse.testing.folding import Event

_SEED = 42


def tie_rank(columns: Sequence[str], ignore_nulls: Sequence[str] = ()) -> object:
    """A rank for `fold_events` that decides ties as the library documents: the larger signed hash of what an event carries."""

    def rank(event: Event) -> int:
        carried = [
            c
            for c in columns
            if (event.provided is None or c in event.provided)
            and not (c in ignore_nulls and event.values.get(c) is None)
        ]
        digest = _chain(_SEED, struct.pack("<i", 42))
        for column in columns:
            value = event.values.get(column)
            if column in carried and value is not None:
                digest = _chain(_chain(digest, column.encode()), value.encode())
        provided = "" if len(carried) == len(columns) else "\x00".join(sorted(carried))
        return _signed(_chain(digest, provided.encode()))

    return rank


def _chain(seed: int, data: bytes) -> int:
    """Each value is hashed with the hash of those before it as seed."""
    return xxhash.xxh64_intdigest(data, seed=seed)


def _signed(digest: int) -> int:
    return digest - (1 << 64) if digest >> 63 else digest
