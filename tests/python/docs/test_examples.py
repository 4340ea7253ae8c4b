"""The example files for AWS: they parse, and what they name of Casebook exists."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from orchestrate.cli import app
from orchestrate.database.connection import parse_url
from orchestrate.database.passwords import Endpoint, PasswordFile
from orchestrate.settings import PROJECT_DIR

AWS = PROJECT_DIR / "docs" / "examples" / "aws"
# What the entry point makes files of.
PASSWORD = r"the:pass\word&%s"  # noqa: S105 - what a generator may come up with
SECRETS = {"CASEBOOK_BUILDER_PASSWORD", "CASEBOOK_PSEUDONYM_KEY"}


@pytest.fixture
def container() -> dict[str, Any]:
    """Return the container of the task definition."""
    task = json.loads((AWS / "task-definition.json").read_text(encoding="utf-8"))
    (only,) = task["containerDefinitions"]
    found: dict[str, Any] = only
    return found


@pytest.mark.parametrize("name", ["schedule.yml", "databases.yml"])
def test_cloudformation_refers_to_what_it_declares(name: str) -> None:
    text = (AWS / name).read_text(encoding="utf-8")
    template = yaml.safe_load(text)
    declared = {*template.get("Parameters", {}), *template["Resources"]}
    assert set(re.findall(r"\bRef: (\w+)", text)) <= declared
    assert all(resource["Type"].startswith("AWS::") for resource in template["Resources"].values())


def test_the_task_gives_variables_and_a_command_that_casebook_knows(
    container: dict[str, Any],
) -> None:
    known = (PROJECT_DIR / "orchestrate" / "settings.py").read_text(encoding="utf-8")
    given = {one["name"]: one["value"] for one in container["environment"]}
    assert all(f'"{name}"' in known for name in given)
    assert {one["name"] for one in container["secrets"]} == SECRETS
    command, *options = container["command"]
    found: Any = typer.main.get_command(app)
    accepted = {option for one in found.commands[command].params for option in one.opts}
    assert {option for option in options if option.startswith("--")} <= accepted
    for name in ("CASEBOOK_DATABASE_URL", "CASEBOOK_REPORTING_URL"):
        parameters = parse_url(given[name], name).parameters
        assert "password" not in parameters
        assert parameters["sslmode"] == "verify-full"
    (mount,) = container["mountPoints"]
    assert given["CASEBOOK_HOME"].startswith(mount["containerPath"])


def test_the_image_holds_what_the_task_and_its_steps_name(container: dict[str, Any]) -> None:
    dockerfile = (AWS / "Dockerfile").read_text(encoding="utf-8")
    for source in re.findall(r"^COPY (?:--\S+ )?(\S+) \S+$", dockerfile, re.MULTILINE):
        assert (PROJECT_DIR / source).exists(), source
    urls = [one["value"] for one in container["environment"] if one["name"].endswith("_URL")]
    (certificates,) = {parse_url(url, "X").parameters["sslrootcert"] for url in urls}
    assert certificates in dockerfile
    command = re.search(r"^CMD (.+)$", dockerfile, re.MULTILINE)
    assert command
    assert json.loads(command[1]) == container["command"]
    # Other commands of the container write and look there, too.
    (mount,) = container["mountPoints"]
    assert f"RUN ln -s {mount['containerPath']}/output output\n" in dockerfile


def test_the_entry_point_leaves_secrets_in_files_of_their_owner_alone(tmp_path: Path) -> None:
    stand_in = tmp_path / "casebook"
    stand_in.write_text(
        '#!/bin/sh\nenv\necho "arguments=$*"\n'
        'ls -l "$CASEBOOK_PSEUDONYM_KEY_FILE" "${CASEBOOK_DATABASE_URL##*passfile=}"\n'
        'cat "$CASEBOOK_PSEUDONYM_KEY_FILE" "${CASEBOOK_REPORTING_URL##*passfile=}"\n',
        encoding="utf-8",
    )
    stand_in.chmod(0o755)
    done = subprocess.run(
        [AWS / "entrypoint.sh", "run", "--json"],
        env={
            "PATH": f"{tmp_path}:{os.environ['PATH']}",
            "TMPDIR": str(tmp_path),
            "CASEBOOK_DATABASE_URL": "postgresql://b@warehouse/w?sslmode=verify-full",
            "CASEBOOK_REPORTING_URL": "postgresql://b@reporting/r?sslmode=verify-full",
            "CASEBOOK_BUILDER_PASSWORD": PASSWORD,
            "CASEBOOK_PSEUDONYM_KEY": "the-key",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    told, files = done.stdout.split("arguments=run --json\n")
    assert not any(secret in told for secret in (PASSWORD, "the-key"))
    assert not any(f"{name}=" in told for name in SECRETS)
    assert len(re.findall(r"^-rw------- ", files, re.MULTILINE)) == 2
    assert "the-key\n" in files
    passwords = tmp_path / "passwords"
    passwords.write_text(files.splitlines()[-1] + "\n", encoding="utf-8")
    found = PasswordFile(passwords).find(Endpoint("warehouse", "5432"), "casebook_builder")
    assert found == PASSWORD


def test_the_page_links_every_file() -> None:
    page = (PROJECT_DIR / "docs" / "operations.md").read_text(encoding="utf-8")
    unnamed = [
        file.name
        for file in AWS.iterdir()
        if f"examples/aws/{file.name}" not in page and file.suffix != ".dockerignore"
    ]
    assert unnamed == []
