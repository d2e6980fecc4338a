"""What can go wrong on purpose: each error knows its HTTP status and the word a program can test for."""


class BotwatchError(Exception):
    """Base of the errors that a caller is told about. `at` names the place in the input, if there is one."""

    status = 500
    code = "internal"

    def __init__(self, message: str, *, at: str | None = None, retry_after_s: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.at = at
        self.retry_after_s = retry_after_s


class ConfigurationError(BotwatchError):
    """A setting has a bad value; the message names the setting."""

    code = "configuration"


class SchemaError(BotwatchError):
    """The database has a schema that this version can't use."""

    code = "schema"


class DamagedDatabase(BotwatchError):
    """The database's file is not sound any more."""

    code = "damaged"


class BackupError(BotwatchError):
    """A file that can't be restored, or a database that it can't be restored into."""

    code = "backup"


class InvalidBatch(BotwatchError):
    """Nothing of the batch is stored; the message names the first bad place."""

    status = 400
    code = "invalid_batch"


class InvalidParameter(BotwatchError):
    """A query parameter can't be used; the message names it."""

    status = 400
    code = "invalid_parameter"


class Unauthorized(BotwatchError):
    """No token or login, or one that isn't valid any more."""

    status = 401
    code = "unauthorized"


class Forbidden(BotwatchError):
    """The token or account is valid and may not do this."""

    status = 403
    code = "forbidden"


class NotFound(BotwatchError):
    """There is no such thing, or the reader may not know of it."""

    status = 404
    code = "not_found"


class Conflict(BotwatchError):
    """There is one of that name already."""

    status = 409
    code = "conflict"


class TooLarge(BotwatchError):
    """Over a limit of config.Limits."""

    status = 413
    code = "too_large"


class UnsupportedEncoding(BotwatchError):
    """A Content-Type or Content-Encoding that isn't read here."""

    status = 415
    code = "unsupported_encoding"


class TooManyRequests(BotwatchError):
    """Come back after `retry_after_s`."""

    status = 429
    code = "too_many_requests"


class Unavailable(BotwatchError):
    """Not now: the caller keeps its data and comes back after `retry_after_s`."""

    status = 503
    code = "unavailable"
