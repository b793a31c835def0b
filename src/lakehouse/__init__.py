"""Trustworthy Delta Lake and Apache Iceberg tables from change feeds, event files and snapshots.

Import from the packages: `lakehouse.cdc`, `lakehouse.tables`, `lakehouse.testing`.
"""

__version__ = "0.1.0"
