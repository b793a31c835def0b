"""The Iceberg catalog of a laptop: a SQLite file whose tables are made here, because Iceberg would lock it.

Iceberg asks SQLite whether its tables are there, and never closes the answer: the session that asked holds a read lock on the
file until it ends. Another connection, of another process or of a second instance of the catalog in the same one, can then
not commit. `jdbc.init-catalog-tables` keeps Iceberg from asking. Two sessions that both make the tables for the first time do
not meet here either, since SQLite makes a table that is not there yet in one step.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

URL = "jdbc:sqlite:"
PATIENCE = 60.0
"""Seconds to wait for another connection that writes."""

# The tables of version V1 of Iceberg's JDBC catalog, which adds the type of a table to those of V0.
TABLES = """
CREATE TABLE IF NOT EXISTS iceberg_tables (
    catalog_name VARCHAR(255) NOT NULL,
    table_namespace VARCHAR(255) NOT NULL,
    table_name VARCHAR(255) NOT NULL,
    metadata_location VARCHAR(1000),
    previous_metadata_location VARCHAR(1000),
    iceberg_type VARCHAR(5),
    PRIMARY KEY (catalog_name, table_namespace, table_name)
);
CREATE TABLE IF NOT EXISTS iceberg_namespace_properties (
    catalog_name VARCHAR(255) NOT NULL,
    namespace VARCHAR(255) NOT NULL,
    property_key VARCHAR(255),
    property_value VARCHAR(1000),
    PRIMARY KEY (catalog_name, namespace, property_key)
);
"""


def catalog_files(settings: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Find the catalogs of a session that are SQLite files: the prefix of their settings, and the file's `file:` URI."""
    return {
        key.removesuffix("uri"): value.removeprefix(URL)
        for key, value in settings
        if key.startswith("spark.sql.catalog.") and key.endswith(".uri") and value.startswith(f"{URL}file:")
    }


def without_initialization(settings: Mapping[str, str]) -> dict[str, str]:
    """Give the settings that keep Iceberg from looking for the tables of these catalogs."""
    return {f"{prefix}jdbc.init-catalog-tables": "false" for prefix in catalog_files(settings.items())}


def make_tables(settings: Iterable[tuple[str, str]]) -> None:
    """Make the tables of these catalogs where they are not there yet, and the folders of the files."""
    for uri in catalog_files(settings).values():
        Path(url2pathname(urlsplit(uri).path)).parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(uri, uri=True, timeout=PATIENCE)) as database:
            database.executescript(TABLES)
