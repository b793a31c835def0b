"""Properties are held against what Spark compiles of a plan, as every session but the suite's does."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from spark_settings import COMPILED, settings


@pytest.fixture(autouse=True, scope="module")
def _compiled(request: pytest.FixtureRequest) -> Iterator[None]:
    """Compile plans during the tests of a module, if any of them needs a session."""
    mine = [item for item in request.session.items if item.path == request.path]
    if not any("spark" in getattr(item, "fixturenames", ()) for item in mine):
        yield
        return
    with settings(request.getfixturevalue("spark"), COMPILED):
        yield
