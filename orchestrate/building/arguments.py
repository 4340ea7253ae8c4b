"""The argument lists that dbt is called with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from orchestrate.settings import Settings


def profiles_dir(settings: Settings) -> Path:
    """Return where the runner keeps its copy of profiles.example.yml."""
    return settings.home / "profiles"


def common_arguments(
    settings: Settings, target_dir: Path, variables: Mapping[str, object]
) -> list[str]:
    """Return the options of every call: folders, variables, and silence on standard output.

    `--log-level none` keeps dbt off standard output, which belongs to results; what people should
    see comes from the callbacks. The log file keeps dbt's sentences but no SQL.
    """
    return [
        "--project-dir",
        str(settings.project_dir),
        "--profiles-dir",
        str(profiles_dir(settings)),
        "--target-path",
        str(target_dir),
        "--log-path",
        str(settings.log_dir),
        "--log-level",
        "none",
        "--log-level-file",
        "info",
        "--quiet",
        "--no-print",
        "--no-use-colors",
        "--no-use-colors-file",
        "--no-send-anonymous-usage-stats",
        "--vars",
        json.dumps(dict(variables), sort_keys=True),
    ]


def parse_arguments(settings: Settings, variables: Mapping[str, object]) -> list[str]:
    """Return the arguments that make dbt write manifest.json, without a database."""
    return ["parse", *common_arguments(settings, settings.description_dir, variables)]


def build_arguments(settings: Settings, variables: Mapping[str, object]) -> list[str]:
    """Return the arguments that build and test everything but seeds, which the runner loads.

    Seeds are left out by resource type and not by `--exclude`: that would also drop, without a
    word, every test that refers to a seed. So are unit tests: they try SQL on rows of their own,
    and would take a third of a build to say what they said before the project was installed.
    """
    common = common_arguments(settings, settings.target_dir, variables)
    parsed = settings.description_dir / "partial_parse.msgpack"
    # What the last parse understood saves the build from understanding it again.
    resumed = ["--partial-parse-file-path", str(parsed)] if parsed.is_file() else []
    return ["build", *common, *resumed, "--exclude-resource-types", "seed", "unit_test"]


def freshness_arguments(settings: Settings, variables: Mapping[str, object]) -> list[str]:
    """Return the arguments that make dbt look how old landed tables are, into sources.json."""
    return ["source", "freshness", *common_arguments(settings, settings.description_dir, variables)]
