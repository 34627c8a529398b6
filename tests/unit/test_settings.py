"""Settings come from the environment once, and a mistake in them is said plainly."""

import pytest

from workbench.errors import InputError
from workbench.settings import load_settings


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in list(os.environ):
        if name.startswith("WORKBENCH_"):
            monkeypatch.delenv(name)


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_QUEUE_LIMIT", "7")
    assert load_settings().queue_limit == 7


def test_a_command_line_flag_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_SERVER_URL", "http://a")
    assert load_settings(server_url="http://b").server_url == "http://b"
    assert load_settings(server_url=None).server_url == "http://a"


def test_a_misspelt_variable_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_QEUE_LIMIT", "7")
    with pytest.raises(InputError, match="WORKBENCH_QEUE_LIMIT"):
        load_settings()


def test_a_bad_value_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_QUEUE_LIMIT", "many")
    with pytest.raises(InputError, match="WORKBENCH_QUEUE_LIMIT is 'many'"):
        load_settings()


def test_the_token_is_never_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_TOKEN", "secret-word")
    settings = load_settings()
    assert "secret-word" not in repr(settings) + str(settings.model_dump())
    assert settings.token.get_secret_value() == "secret-word"
