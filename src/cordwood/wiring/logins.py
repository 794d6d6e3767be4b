"""URL → what makes logins for people who ask a store in SQL."""

from contextlib import AbstractAsyncContextManager
from urllib.parse import urlsplit

from cordwood.config import Config
from cordwood.errors import ConfigError
from cordwood.store.sql_users import SqlUsers


def open_sql_users(config: Config) -> AbstractAsyncContextManager[SqlUsers]:
    """For the rows that `store.url` names. Raises ConfigError, also for a store without rows."""
    settings = config.store
    if urlsplit(settings.url).scheme not in ("postgresql", "postgres") or settings.keep == "segments":
        raise ConfigError(
            "SQL users log in to PostgreSQL and see its rows, and this store has none",
            hint="segments are asked with `cordwood sql`; rows beside segments are made with CORDWOOD_STORE_KEEP=both",
        )
    try:
        from cordwood.db.postgres import Database
        from cordwood.store.postgres.sql.users import PostgresSqlUsers
    except ModuleNotFoundError as error:
        raise ConfigError(f"the module {error.name!r} is not installed", hint="install 'cordwood[postgres]'") from error
    return PostgresSqlUsers(Database(settings.url), settings)
