"""What every table must do, as a pytest class: subclass it, say where a fresh table goes, and run it on your platform.

    class TestMyTables(TableConformance):
        @pytest.fixture
        def table_ref(self, tmp_path):
            return TableRef(format="delta", path=str(tmp_path / "table"))

It needs a fixture `spark` beside `table_ref`, and a session with at least two cores.
"""

from __future__ import annotations

from lakehouse.testing.conformance.definition import Definition
from lakehouse.testing.conformance.evolving import Evolving
from lakehouse.testing.conformance.versions import Versions
from lakehouse.testing.conformance.writing import Writing

__all__ = ["TableConformance"]


class TableConformance(Definition, Evolving, Writing, Versions):
    """The behaviour that `lakehouse.tables.protocol.Table` promises."""
