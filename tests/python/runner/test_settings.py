"""Settings come from the environment, and a path that cannot be one is refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrate.errors import ConfigurationError
from orchestrate.settings import PROJECT_DIR, Settings

KEY_FILE = "CASEBOOK_PSEUDONYM_KEY_FILE"


def test_without_variables_everything_is_in_the_project() -> None:
    settings = Settings.from_environment({})
    assert settings.home == PROJECT_DIR / ".casebook"
    assert settings.output_dir == PROJECT_DIR / "output"
    assert settings.database_url is None


def test_the_home_moves_and_the_output_stays() -> None:
    settings = Settings.from_environment({"CASEBOOK_HOME": "~/a b"})
    assert settings.home == Path.home() / "a b"
    assert settings.output_dir == PROJECT_DIR / "output"


def test_a_link_in_place_of_the_output_leads_to_where_it_lasts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrate.settings.PROJECT_DIR", tmp_path)
    lasting = tmp_path / "mounted" / "output"
    (tmp_path / "output").symlink_to(lasting)
    assert Settings.from_environment({}).output_dir == lasting.resolve()


def test_the_pseudonym_key_is_among_the_secrets_unless_named(tmp_path: Path) -> None:
    settings = Settings.from_environment({})
    assert settings.pseudonym_key_path == settings.secrets_dir / "pseudonym.key"
    named = Settings.from_environment({KEY_FILE: str(tmp_path / "key")})
    assert named.pseudonym_key_path == tmp_path / "key"


@pytest.mark.parametrize("variable", ["CASEBOOK_HOME", "CASEBOOK_MEMBERS", KEY_FILE])
@pytest.mark.parametrize("value", ["~no-such-user/x", "caf\udce9"])
def test_an_unusable_path_is_refused_by_the_name_of_its_variable(variable: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=variable):
        Settings.from_environment({variable: value})
