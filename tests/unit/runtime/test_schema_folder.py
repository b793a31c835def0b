"""A folder keeps schemas as a registry does."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from schema_registries import V1, V2, RegistryConformance

from lakehouse.errors import ConfigError, RegistryError
from lakehouse.runtime.schema_folder import FolderRegistry


class TestFolderRegistry(RegistryConformance):
    """The promises of registries, in a folder."""

    @pytest.fixture
    def registry(self, tmp_path: Path) -> FolderRegistry:
        """An empty folder."""
        return FolderRegistry(folder=tmp_path)


def test_the_files_can_be_reviewed(tmp_path: Path) -> None:
    """Each version is a file that holds the schema as it was given, beside the settings; nothing else is left."""
    FolderRegistry(folder=tmp_path).register("customer_events", V1, mode="FULL")
    FolderRegistry(folder=tmp_path).register("customer_events", V2)
    place = tmp_path / "customer_events"
    assert sorted(file.name for file in place.iterdir()) == ["1.json", "2.json", "registry.json"]
    assert (place / "2.json").read_text() == V2
    assert json.loads((place / "registry.json").read_text()) == {"compatibility": "FULL", "data_format": "AVRO"}


def test_a_folder_that_is_gone_is_an_error(tmp_path: Path) -> None:
    """No registry is made where none is mounted, for none of the questions."""
    registry = FolderRegistry(folder=tmp_path / "gone")
    for ask in (lambda: registry.register("a", V1), lambda: registry.versions("a"), lambda: registry.find("b")):
        with pytest.raises(RegistryError, match=r"gone cannot be used.*create or mount it"):
            ask()
    assert not (tmp_path / "gone").exists()


@pytest.mark.parametrize("name", ["..", ".", "a/b", "com.shop.Customer", "grün & blau", ".hidden"])
def test_names_stay_inside_of_the_folder(tmp_path: Path, name: str) -> None:
    """A name is one folder below the registry, whatever is in it, and is told back as it was."""
    registry = FolderRegistry(folder=tmp_path / "inner")
    registry.folder.mkdir()
    made = registry.register(name, V1)
    assert registry.find(made.id).name == name
    assert [place.name for place in tmp_path.iterdir()] == ["inner"]
    assert len(list(registry.folder.iterdir())) == 1
    with pytest.raises(ConfigError, match="needs a name"):
        registry.register("", V1)


def test_versions_that_come_at_once_are_all_kept(tmp_path: Path) -> None:
    """Of writers at the same time each gets a number of its own, and equal schemas one."""
    registry = FolderRegistry(folder=tmp_path)
    texts = [json.dumps({"type": "enum", "name": "E", "symbols": [f"S{i % 8}"]}) for i in range(16)]
    with ThreadPoolExecutor(max_workers=8) as pool:
        made = list(pool.map(lambda text: registry.register("enums", text, mode="NONE"), texts))
    assert [version.text for version in made] == texts
    assert sorted({version.number for version in made}) == list(range(1, 9))
    assert registry.versions("enums") == tuple(sorted({*made}, key=lambda version: version.number))
