"""Diagrams are drawn anew when the project's description of its tables changes, and only then."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from orchestrate.erd.kept import kept_diagrams
from orchestrate.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Return settings of a project with one model."""
    project = tmp_path / "project"
    (project / "models").mkdir(parents=True)
    (project / "models" / "one.yml").write_text("models: []\n")
    return replace(
        Settings.from_environment({"CASEBOOK_HOME": str(tmp_path / "home")}), project_dir=project
    )


def test_an_unchanged_project_is_drawn_once(settings: Settings) -> None:
    drawn: list[Path] = []
    for _ in range(3):
        folder = kept_diagrams(settings, drawn.append)
    assert drawn == [folder]


def test_a_changed_description_is_drawn_again_into_an_empty_folder(settings: Settings) -> None:
    def draw(folder: Path) -> None:
        assert not list(folder.iterdir())
        (folder / f"{len(description.read_text())}.svg").touch()

    description = settings.project_dir / "models" / "one.yml"
    kept_diagrams(settings, draw)
    description.write_text("models: [{name: one}]\n")
    folder = kept_diagrams(settings, draw)
    assert [file.name for file in folder.glob("*.svg")] == ["22.svg"]


def test_a_drawing_that_failed_is_tried_again(settings: Settings) -> None:
    def fail(folder: Path) -> None:
        (folder / "half.svg").touch()
        raise RuntimeError

    with pytest.raises(RuntimeError):
        kept_diagrams(settings, fail)
    drawn: list[Path] = []
    folder = kept_diagrams(settings, drawn.append)
    assert drawn == [folder]
    assert not list(folder.glob("*.svg"))
