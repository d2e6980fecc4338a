"""What the agent raises: only wrong configuration, and only at start."""


class ConfigurationError(ValueError):
    """A setting is missing or wrong. The message names the setting and its environment variable."""
