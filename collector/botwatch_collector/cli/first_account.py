"""The first account from BOTWATCH_ADMIN_USER and BOTWATCH_ADMIN_PASSWORD."""

from .. import clock
from ..access import accounts
from ..config import Config
from ..errors import ConfigurationError, Conflict, InvalidParameter


def ensure(config: Config) -> bool:
    """Make it, when it is asked for and there is none of that name; whether it was made.

    An existing account is left as it is, so that a password changed since stays changed.
    """
    if config.admin_user is None and config.admin_password is None:
        return False
    if config.admin_user is None:
        raise ConfigurationError("BOTWATCH_ADMIN_USER: needed with BOTWATCH_ADMIN_PASSWORD")
    if accounts.exists(config.admin_user):
        return False
    if config.admin_password is None:
        raise ConfigurationError("BOTWATCH_ADMIN_PASSWORD: needed with BOTWATCH_ADMIN_USER")
    return _add(config.admin_user, config.admin_password)


def _add(username: str, password: str) -> bool:
    try:
        accounts.add(username, password, "admin", clock.now())
    except Conflict:
        return False
    except InvalidParameter as error:
        raise ConfigurationError(f"BOTWATCH_ADMIN_USER, BOTWATCH_ADMIN_PASSWORD: {error.message}") from None
    return True
