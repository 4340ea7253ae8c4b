"""Documentation and workflows name only commands, options and targets that exist."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import typer.main

from orchestrate.cli import app
from orchestrate.settings import PROJECT_DIR

PAGES = sorted(
    [
        *PROJECT_DIR.glob("*.md"),
        *(PROJECT_DIR / "docs").rglob("*.md"),
        *(PROJECT_DIR / ".github" / "workflows").glob("*.yml"),
    ]
)
CODE = re.compile(r"^```.*?^```|`[^`\n]+`", re.DOTALL | re.MULTILINE)
CASEBOOK = re.compile(r"(?<![\w./-])casebook((?: +(?:--)?[\w./][\w./=-]*)+)")
MAKE = re.compile(r"(?<![\w-])make((?: +[\w=./-]+)+)")


def code(page: Path) -> str:
    """Return what a page shows as code; all of a workflow but its comments."""
    text = page.read_text(encoding="utf-8")
    if page.suffix == ".md":
        return "\n".join(CODE.findall(text))
    return re.sub(r"#.*", "", text)


def unknown_word(command: Any, words: list[str]) -> str | None:
    """Return the first word that a command does not know, None when it knows all.

    Words in capitals stand for what a reader puts there.
    """
    for word in words:
        if word.isupper():
            return None
        subcommands = getattr(command, "commands", {})
        if word.startswith("--"):
            options = {option for one in command.params for option in one.opts}
            if word.partition("=")[0] not in options | {"--help"}:
                return word
        elif subcommands:
            if word not in subcommands:
                return word
            command = subcommands[word]
    return None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT_DIR)))
def test_commands_exist(page: Path) -> None:
    casebook = typer.main.get_command(app)
    targets = set(
        re.findall(r"^([a-z0-9-]+):", (PROJECT_DIR / "Makefile").read_text(encoding="utf-8"), re.M)
    )
    wrong = []
    for line in code(page).splitlines():
        for words in CASEBOOK.findall(line):
            if unknown := unknown_word(casebook, words.split()):
                wrong.append(f"casebook{words}: {unknown}")
        for words in MAKE.findall(line):
            named = [word for word in words.split() if "=" not in word]
            wrong += [f"make {word}" for word in named if word not in targets]
    assert not wrong


def test_every_command_is_documented() -> None:
    documented = "\n".join(code(page) for page in PAGES)
    commands: dict[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]  # it is a group
    missing = [
        name
        for name, command in commands.items()
        if not command.hidden and f"casebook {name}" not in documented
    ]
    assert not missing
