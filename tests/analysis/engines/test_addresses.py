import sys

import pytest

from analysis.engines import ENGINES, connect, java, scheme_of
from analysis.engines.java import FIT, java_home
from analysis.engines.unavailable import EngineUnavailableError
from experiment_server.settings import SettingsError, parse_engine


@pytest.mark.parametrize(
    ("address", "scheme"),
    [
        ("duckdb", "duckdb"),
        ("spark:active", "spark"),
        ("spark:local[2]?spark.driver.memory=1g", "spark"),
        ("spark://127.0.0.1:7077", "spark"),
    ],
)
def test_scheme__each_engines_address__is_its_row_and_the_servers_setting(address, scheme):
    assert scheme_of(address) == scheme
    assert parse_engine(address) == address


def test_engines__every_scheme__can_be_set():
    for scheme in ENGINES:
        address = scheme if scheme == "duckdb" else f"{scheme}:somewhere"
        assert parse_engine(address) == address


@pytest.mark.parametrize("address", ["", "flink://host:1", "sparky:1"])
def test_connect__unknown_engine__names_those_there_are(address):
    with pytest.raises(ValueError, match=f"found '{address}', expected duckdb, or .* spark"):
        connect({}, {}, address)
    with pytest.raises(SettingsError, match="MOMENTUM_ANALYTICS_ENGINE=spark://host:7077"):
        parse_engine(address)


def test_spark__no_session_in_this_process__says_how_to_name_one():
    with pytest.raises(EngineUnavailableError, match="no Spark session; make one first"):
        connect({}, {}, "spark:active")


def test_spark__without_pyspark__names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)

    with pytest.raises(EngineUnavailableError, match=r"pip install 'momentum\[spark\]'") as refused:
        connect({}, {}, "spark://127.0.0.1:7077?spark.hadoop.fs.s3a.secret.key=hunter2")

    assert "spark://127.0.0.1:7077" in str(refused.value)
    assert "hunter2" not in str(refused.value)


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine whose Javas lie where the test puts them: a function (folder, version)."""
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "path" / "bin"))
    monkeypatch.setattr(java, "_PLACES", (tmp_path / "jvm",))

    def install(folder, version):
        home = tmp_path / folder
        (home / "bin").mkdir(parents=True)
        (home / "bin" / "java").touch(mode=0o755)
        (home / "release").write_text(f'IMPLEMENTOR="x"\nJAVA_VERSION="{version}"\n')
        return home

    return install


@pytest.mark.parametrize("version", ["17.0.15", "21", "21.0.2"])
def test_java_home__the_one_on_the_path_fits__is_it(machine, version):
    home = machine("path", version)
    machine("jvm/another", "17.0.1")

    assert java_home() == home


def test_java_home__the_one_on_the_path_is_too_new__is_another_that_fits(machine):
    machine("path", "25")
    machine("jvm/a-older", "11.0.2")
    home = machine("jvm/b-fits", "17.0.15")

    assert java_home() == home


def test_java_home__java_home_fits__goes_first(machine, monkeypatch):
    machine("path", "17.0.15")
    home = machine("chosen", "21.0.2")
    monkeypatch.setenv("JAVA_HOME", str(home))

    assert java_home() == home


def test_java_home__none_that_fits__says_what_was_found_and_what_to_install(machine):
    home = machine("path", "25.0.1")

    with pytest.raises(EngineUnavailableError) as refused:
        java_home()

    assert f"{home} (version 25)" in str(refused.value)
    assert all(version in str(refused.value) for version in (*FIT, "apt-get install"))


def test_java_home__no_java_at_all__says_so(machine):
    with pytest.raises(EngineUnavailableError, match="found none"):
        java_home()
