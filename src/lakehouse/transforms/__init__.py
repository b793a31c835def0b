"""Pure functions from frames to frames: rows to a contract, to one for each key, to keys and lookups."""

from __future__ import annotations

from lakehouse.transforms.auditing import with_audit_columns
from lakehouse.transforms.choices import Choice, resolve_choice
from lakehouse.transforms.conformance import Split, conform, split_quarantined
from lakehouse.transforms.deduplication import dedupe
from lakehouse.transforms.hashing import row_hash, surrogate_key
from lakehouse.transforms.joins import lookup
from lakehouse.transforms.standards import composed_text, standard_country, standard_email, standard_phone, tidy_text

__all__ = [
    "Choice",
    "Split",
    "composed_text",
    "conform",
    "dedupe",
    "lookup",
    "resolve_choice",
    "row_hash",
    "split_quarantined",
    "standard_country",
    "standard_email",
    "standard_phone",
    "surrogate_key",
    "tidy_text",
    "with_audit_columns",
]
