"""What the server is told from outside: typed settings from environment variables."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

LOG_LEVELS: Final = ("debug", "info", "warning", "error")
ON_OFF: Final = {"on": True, "off": False}
# The schemes are those of analysis.engines.ENGINES, which is too heavy to load for them.
_ENGINE: Final = re.compile(r"duckdb|spark:\S+")

T = TypeVar("T", int, float)


class SettingsError(ValueError):
    """A variable holds something the server cannot use; the sentence says what would be right."""

    def __init__(self, variable: str, found: str, expected: str, example: str) -> None:
        super().__init__(
            f"{variable}: found {found!r}, expected {expected}; for example {variable}={example}"
        )


@dataclass(frozen=True)
class Settings:
    """Everything that differs between one installation and another."""

    database_url: str = "sqlite:///.momentum/momentum.db"
    data_dir: Path = Path(".momentum")
    lake_dir: str = ".momentum/lake"  # the lake of an environment is the folder of its key below
    lake_options: Mapping[str, str] = field(default_factory=dict, repr=False)  # of an object store
    analytics_engine: str = "duckdb"  # where readings of the lake run: an address of an engine
    host: str = "127.0.0.1"
    port: int = 8080
    workers: int = 1
    threads: int = 32  # of each worker; fewer than half of them may hold a stream each
    seal_seconds: float = 5.0  # between two moves from the event buffer to the lake
    quarantine_days: int = 90  # how long what was not taken is kept
    sources_dir: str = ".momentum/sources"  # sources that are files must lie below it
    log_level: str = "info"
    scheduler: bool = True
    trusted_proxies: int = 0  # in front of the server, each of which adds to X-Forwarded-For
    secure_cookies: bool = False  # on behind TLS: the browser then sends cookies over https only

    @classmethod
    def from_environment(cls, env: Mapping[str, str]) -> "Settings":
        """The settings that the ``MOMENTUM_*`` variables ask for.

        Raises:
            SettingsError: a variable's value does not fit; it names the variable and an example.
        """
        data_dir = Path(env.get("MOMENTUM_DATA_DIR") or ".momentum")
        return cls(
            database_url=env.get("MOMENTUM_DATABASE_URL") or f"sqlite:///{data_dir}/momentum.db",
            data_dir=data_dir,
            lake_dir=(env.get("MOMENTUM_LAKE_DIR") or str(data_dir / "lake")).removeprefix(
                "file://"
            ),
            lake_options=_texts(env, "MOMENTUM_LAKE_OPTIONS"),
            analytics_engine=parse_engine(
                env.get("MOMENTUM_ANALYTICS_ENGINE") or cls.analytics_engine
            ),
            host=env.get("MOMENTUM_HOST") or cls.host,
            port=_number(env, "MOMENTUM_PORT", int, (1, 65535), cls.port),
            workers=_number(env, "MOMENTUM_WORKERS", int, (1, 64), cls.workers),
            threads=_number(env, "MOMENTUM_THREADS", int, (1, 256), cls.threads),
            seal_seconds=_number(env, "MOMENTUM_SEAL_SECONDS", float, (0.2, 3600.0), 5.0),
            sources_dir=env.get("MOMENTUM_SOURCES_DIR") or str(data_dir / "sources"),
            quarantine_days=_number(env, "MOMENTUM_QUARANTINE_DAYS", int, (1, 3650), 90),
            log_level=_one_of(env, "MOMENTUM_LOG_LEVEL", LOG_LEVELS, cls.log_level),
            scheduler=ON_OFF[_one_of(env, "MOMENTUM_SCHEDULER", tuple(ON_OFF), "on")],
            trusted_proxies=_number(env, "MOMENTUM_TRUSTED_PROXIES", int, (0, 10), 0),
            secure_cookies=ON_OFF[_one_of(env, "MOMENTUM_SECURE_COOKIES", tuple(ON_OFF), "off")],
        )


def parse_engine(found: str) -> str:
    """The address of an engine that reads the lake.

    Raises:
        SettingsError: it is none.
    """
    if not _ENGINE.fullmatch(found):
        raise SettingsError(
            "MOMENTUM_ANALYTICS_ENGINE",
            found,
            "duckdb or the address of a Spark master",
            "spark://host:7077",
        )
    return found


def _number(
    env: Mapping[str, str], name: str, parse: Callable[[str], T], bounds: tuple[T, T], default: T
) -> T:
    found = env.get(name)
    if not found:
        return default
    low, high = bounds
    try:
        value = parse(found)
    except ValueError:
        value = None  # said below, together with a number out of bounds
    if value is None or not low <= value <= high:
        raise SettingsError(name, found, f"a number from {low} to {high}", str(default))
    return value


def _texts(env: Mapping[str, str], name: str) -> dict[str, str]:
    """A JSON object of texts. Its values are secrets: an error never shows them."""
    try:
        found = json.loads(env.get(name) or "{}")
    except ValueError:
        found = None
    if type(found) is not dict or not all(type(value) is str for value in found.values()):
        wrong = "something else" if found is None or type(found) is not dict else "a value not text"
        example = '{"AWS_ENDPOINT_URL": "https://s3.example.org", "AWS_REGION": "eu-west-1"}'
        raise SettingsError(name, wrong, "a JSON object of texts", f"'{example}'")
    return found


def _one_of(env: Mapping[str, str], name: str, choices: tuple[str, ...], default: str) -> str:
    found = (env.get(name) or default).lower()
    if found not in choices:
        raise SettingsError(name, found, "one of " + ", ".join(choices), default)
    return found
