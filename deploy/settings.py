"""Settings from the environment and the home's `kith.toml`; the environment wins.

Every setting may also be given as a file: `KITH_SECRET_KEY_FILE` names one holding the value. Reading them touches no
database; the secret key is made by `kith init` alone.
"""

import os
import stat
import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from schemas.errors import ConfigError

KeepText = Literal["none", "excerpt", "full"]
Day = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]

SECRET_NAMES = frozenset({"KITH_SECRET_KEY", "KITH_GOOGLE_CLIENT_SECRET", "KITH_MICROSOFT_CLIENT_SECRET"})
"""Never shown; `kith config` prints a mask."""


class Settings(Struct, frozen=True, kw_only=True):
    """What the environment and `kith.toml` say, checked; `origins` tells where each value comes from."""

    home: Path
    database_url: str
    broker_url: str = "memory:"
    secret_key: str = ""
    public_url: str = "http://127.0.0.1:8321"
    keep_text: KeepText = "excerpt"
    digest_day: Day = "monday"
    digest_time: str = "07:30"
    now: datetime | None = None
    weekly_cap: int = 5
    lookback: timedelta = timedelta(days=60)
    log_format: Literal["console", "json", ""] = ""
    region: str = ""
    watch: tuple[Path, ...] = ()
    todoist_root: str = ""
    google_client_id: str = ""
    google_client_secret: str = ""
    google_api_root: str = ""
    google_auth_root: str = ""
    microsoft_client_id: str = ""
    microsoft_client_secret: str = ""
    microsoft_tenant: str = ""
    microsoft_authority: str = ""
    graph_root: str = ""
    origins: Mapping[str, str] = {}


_WORDS: Mapping[str, tuple[str, ...]] = {
    "KITH_DIGEST_DAY": get_args(Day),
    "KITH_KEEP_TEXT": get_args(KeepText),
    "KITH_LOG_FORMAT": ("console", "json"),
}
"""What the settings that are a word may be."""
_NAMES = {
    "KITH_DATABASE_URL": "database_url",
    "KITH_BROKER_URL": "broker_url",
    "KITH_SECRET_KEY": "secret_key",
    "KITH_PUBLIC_URL": "public_url",
    "KITH_KEEP_TEXT": "keep_text",
    "KITH_DIGEST_DAY": "digest_day",
    "KITH_DIGEST_TIME": "digest_time",
    "KITH_NOW": "now",
    "KITH_WEEKLY_CAP": "weekly_cap",
    "KITH_LOOKBACK": "lookback",
    "KITH_LOG_FORMAT": "log_format",
    "KITH_REGION": "region",
    "KITH_WATCH": "watch",
    "KITH_TODOIST_ROOT": "todoist_root",
    "KITH_GOOGLE_CLIENT_ID": "google_client_id",
    "KITH_GOOGLE_CLIENT_SECRET": "google_client_secret",
    "KITH_GOOGLE_API_ROOT": "google_api_root",
    "KITH_GOOGLE_AUTH_ROOT": "google_auth_root",
    "KITH_MICROSOFT_CLIENT_ID": "microsoft_client_id",
    "KITH_MICROSOFT_CLIENT_SECRET": "microsoft_client_secret",
    "KITH_MICROSOFT_TENANT": "microsoft_tenant",
    "KITH_MICROSOFT_AUTHORITY": "microsoft_authority",
    "KITH_GRAPH_ROOT": "graph_root",
}


def read_settings(home: str | None, environment: Mapping[str, str]) -> Settings:
    """The settings in force for a home.

    Args:
        home: as given on the command line; else `KITH_HOME`, else the platform's data folder.
        environment: the process's environment.

    Raises:
        ConfigError: a value cannot be read; the message names the setting, its place and what it may be.
    """
    where, home_origin = _home(home, environment)
    file = where / "kith.toml"
    from_file = _toml(file)
    values: dict[str, Any] = {"database_url": f"sqlite:///{where / 'kith.db'}"}
    origins = {"KITH_HOME": home_origin}
    for name, attribute in _NAMES.items():
        found = _given(name, environment, from_file, file)
        origins[name] = found[1] if found else "default"
        if found:
            values[attribute] = _read(name, found[0], found[1])
    key_file = where / "secret.key"
    if "secret_key" not in values and key_file.exists():
        values["secret_key"] = _secret(key_file)
        origins["KITH_SECRET_KEY"] = str(key_file)
    try:
        return msgspec.convert(
            {**values, "home": str(where), "origins": origins}, Settings, strict=False, dec_hook=_hook
        )
    except msgspec.ValidationError as error:
        raise ConfigError(
            f"A setting cannot be used: {error}. See `kith config` and docs/settings.md."
        ) from error


def _hook(kind: type, value: Any) -> Any:
    if kind is Path:
        return Path(value)
    raise NotImplementedError(kind)


def _home(home: str | None, environment: Mapping[str, str]) -> tuple[Path, str]:
    if home:
        return Path(home).expanduser().absolute(), "--home"
    if environment.get("KITH_HOME"):
        return Path(environment["KITH_HOME"]).expanduser().absolute(), "environment"
    import platformdirs  # noqa: PLC0415  # a home that is named need not be looked for

    return Path(platformdirs.user_data_dir("kith", appauthor=False)), "default"


def _toml(file: Path) -> Mapping[str, Any]:
    if not file.exists():
        return {}
    try:
        parsed = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise ConfigError(f"{file} cannot be read: {error}. Mend or remove it.") from error
    return {f"KITH_{name.upper().removeprefix('KITH_')}": value for name, value in parsed.items()}


def _given(
    name: str, environment: Mapping[str, str], from_file: Mapping[str, Any], file: Path
) -> tuple[Any, str] | None:
    if environment.get(name):
        return environment[name], "environment"
    for source, label in ((environment, "environment"), (from_file, str(file))):
        path = source.get(f"{name}_FILE")
        if path:
            try:
                return Path(str(path)).expanduser().read_text(encoding="utf-8").strip(), str(path)
            except OSError as error:
                raise ConfigError(
                    f"{name}_FILE ({label}) names {path}, which cannot be read: {error.strerror}. Correct the path."
                ) from error
    return (from_file[name], str(file)) if name in from_file else None


def _read(name: str, value: Any, origin: str) -> Any:
    if name == "KITH_WATCH":
        paths = value if isinstance(value, list) else str(value).split(os.pathsep)
        return [str(Path(str(path).strip()).expanduser()) for path in paths if str(path).strip()]
    text = str(value).strip()
    if name == "KITH_NOW":
        try:
            now = datetime.fromisoformat(text)
        except ValueError as error:
            raise ConfigError(
                f"KITH_NOW ({origin}) is not an RFC 3339 instant: {text}. Write it like 2026-11-23T09:00:00Z."
            ) from error
        return now.astimezone(UTC) if now.tzinfo else now.replace(tzinfo=UTC)
    if name == "KITH_LOOKBACK":
        return duration(text, f"KITH_LOOKBACK ({origin})")
    if name == "KITH_WEEKLY_CAP":
        if not text.isdigit():
            raise ConfigError(f"KITH_WEEKLY_CAP ({origin}) must be a whole number, 0 for no cap: {text}.")
        return int(text)
    if name == "KITH_DIGEST_TIME":
        try:
            return f"{time.fromisoformat(text):%H:%M}"
        except ValueError as error:
            raise ConfigError(
                f"KITH_DIGEST_TIME ({origin}) must be a time of day like 07:30: {text}."
            ) from error
    if name in _WORDS:
        if text.lower() not in _WORDS[name]:
            raise ConfigError(f"{name} ({origin}) must be one of {', '.join(_WORDS[name])}: {text}.")
        return text.lower()
    if name == "KITH_PUBLIC_URL":
        parts = urlsplit(text)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ConfigError(
                f"KITH_PUBLIC_URL ({origin}) must be an address like https://kith.example.com: {text}."
            )
    return text


def duration(text: str, what: str) -> timedelta:
    """A length of time such as `30d`, `8w` or `12h`.

    Raises:
        ConfigError: it is none.
    """
    number, unit = text[:-1], text[-1:].lower()
    if text.isdigit():
        number, unit = text, "d"
    lengths = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
    if not number.isdigit() or unit not in lengths or int(number) > 36_500:
        raise ConfigError(f"{what} must be a length of time like 60d, 8w or 12h: {text}.")
    return int(number) * lengths[unit]


def _secret(file: Path) -> str:
    mode = stat.S_IMODE(file.stat().st_mode)
    if os.name == "posix" and mode & 0o077:
        raise ConfigError(
            f"{file} can be read by others (mode {mode:04o}). It unlocks your accounts. Make it yours alone: "
            f"chmod 600 {file}"
        )
    return file.read_text(encoding="ascii").strip()
