"""The committed sample files are exactly what the generator writes."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tools.samples.__main__ import main


@pytest.fixture(scope="module")
def regenerated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder into which the generator has just written everything."""
    folder = tmp_path_factory.mktemp("a folder with spaces")
    assert main(["--out", str(folder)]) == 0
    return folder


def csv_files(folder: Path) -> set[str]:
    return {
        str(path.relative_to(folder))
        for domain in ("residency", "advocacy")
        for path in (folder / domain).glob("*.csv")
    }


def test_the_committed_files_are_what_the_generator_writes(seeds: Path, regenerated: Path) -> None:
    assert len(csv_files(regenerated)) == 9
    assert csv_files(seeds) == csv_files(regenerated)
    differing = [
        name
        for name in sorted(csv_files(regenerated))
        if (seeds / name).read_bytes() != (regenerated / name).read_bytes()
    ]
    assert differing == []


@pytest.mark.parametrize("domain", ["residency", "advocacy"])
def test_headers_are_those_of_the_seed_definitions(seeds: Path, domain: str) -> None:
    definitions = yaml.safe_load((seeds / domain / f"_{domain}__seeds.yml").read_text())["seeds"]
    for seed in definitions:
        with (seeds / domain / f"{seed['name']}.csv").open(encoding="utf-8") as stream:
            header = stream.readline().rstrip("\n").split(",")
        assert header == [column["name"] for column in seed["columns"]]


def test_files_are_utf8_with_plain_line_ends_and_stay_small(seeds: Path) -> None:
    total = 0
    for name in csv_files(seeds):
        content = (seeds / name).read_bytes()
        assert b"\r" not in content
        assert not content.startswith(b"\xef\xbb\xbf")
        assert content.endswith(b"\n")
        content.decode("utf-8")
        total += len(content)
    assert (seeds / "residency/residency__studies.csv").stat().st_size < 8_000_000
    assert total < 25_000_000
