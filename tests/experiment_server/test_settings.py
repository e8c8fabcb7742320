from pathlib import Path

import pytest

from experiment_server.settings import Settings, SettingsError


def test_settings__nothing_set__are_embedded_and_local():
    settings = Settings.from_environment({})

    assert settings == Settings()
    assert (settings.host, settings.port, settings.workers) == ("127.0.0.1", 8080, 1)


def test_settings__data_dir__moves_database_and_lake():
    settings = Settings.from_environment({"MOMENTUM_DATA_DIR": "store"})

    assert settings.database_url == "sqlite:///store/momentum.db"
    assert (settings.data_dir, settings.lake_dir) == (Path("store"), "store/lake")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MOMENTUM_PORT", "http"),
        ("MOMENTUM_PORT", "0"),
        ("MOMENTUM_PORT", "65536"),
        ("MOMENTUM_WORKERS", "0"),
        ("MOMENTUM_WORKERS", "1.5"),
        ("MOMENTUM_SEAL_SECONDS", "nan"),
        ("MOMENTUM_SEAL_SECONDS", "0"),
        ("MOMENTUM_LOG_LEVEL", "loud"),
        ("MOMENTUM_SCHEDULER", "yes"),
        ("MOMENTUM_SECURE_COOKIES", "1"),
        ("MOMENTUM_TRUSTED_PROXIES", "11"),
        ("MOMENTUM_TRUSTED_PROXIES", "-1"),
    ],
)
def test_settings__value_that_does_not_fit__names_variable_and_example(name, value):
    with pytest.raises(SettingsError, match=f"{name}: found '{value}', expected .* {name}="):
        Settings.from_environment({name: value})
