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


def test_settings__object_store__has_its_options_and_never_shows_them():
    settings = Settings.from_environment(
        {
            "MOMENTUM_LAKE_DIR": "s3://bucket/lake",
            "MOMENTUM_LAKE_OPTIONS": '{"AWS_SECRET_ACCESS_KEY": "hush"}',
        }
    )

    assert settings.lake_dir == "s3://bucket/lake"
    assert settings.lake_options == {"AWS_SECRET_ACCESS_KEY": "hush"}
    assert "hush" not in repr(settings)


@pytest.mark.parametrize("value", ["hush", '["hush"]', '{"AWS_SECRET_ACCESS_KEY": 1}', '"hush"'])
def test_settings__object_store_options_of_another_form__are_refused_without_showing_them(value):
    expected = "MOMENTUM_LAKE_OPTIONS: .* expected a JSON object of texts"

    with pytest.raises(SettingsError, match=expected) as refused:
        Settings.from_environment({"MOMENTUM_LAKE_OPTIONS": value})

    assert value not in str(refused.value)


def test_settings__lake_as_a_file_url__is_that_folder():
    assert Settings.from_environment({"MOMENTUM_LAKE_DIR": "file:///srv/lake"}).lake_dir == (
        "/srv/lake"
    )


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
        ("MOMENTUM_ANALYTICS_ENGINE", "duck"),
        ("MOMENTUM_ANALYTICS_ENGINE", "spark:"),
    ],
)
def test_settings__value_that_does_not_fit__names_variable_and_example(name, value):
    with pytest.raises(SettingsError, match=f"{name}: found '{value}', expected .* {name}="):
        Settings.from_environment({name: value})
