"""Settings come from the environment, and a path that cannot be one is refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrate.errors import ConfigurationError
from orchestrate.settings import PROJECT_DIR, Settings


def test_without_variables_everything_is_in_the_project() -> None:
    settings = Settings.from_environment({})
    assert settings.home == PROJECT_DIR / ".casebook"
    assert settings.output_dir == PROJECT_DIR / "output"
    assert settings.database_url is None


def test_the_home_moves_and_the_output_stays() -> None:
    settings = Settings.from_environment({"CASEBOOK_HOME": "~/a b"})
    assert settings.home == Path.home() / "a b"
    assert settings.output_dir == PROJECT_DIR / "output"


@pytest.mark.parametrize("variable", ["CASEBOOK_HOME", "CASEBOOK_MEMBERS"])
@pytest.mark.parametrize("value", ["~no-such-user/x", "caf\udce9"])
def test_an_unusable_path_is_refused_by_the_name_of_its_variable(variable: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=variable):
        Settings.from_environment({variable: value})
