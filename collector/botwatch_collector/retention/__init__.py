"""How long what is kept, what becomes of it then, and how a person is forgotten."""

from .declared import RULES
from .forget import forget
from .prune import due, prune, prune_for_a_while
from .steps import Progress

__all__ = ["RULES", "Progress", "due", "forget", "prune", "prune_for_a_while"]
