"""The System page's content: the state of the collector with its score and what to do."""

from ..config import Config
from . import score
from .advice import Advice, advice
from .score import Factor
from .state import State, read


class Report(State, frozen=True, kw_only=True):
    """`score` is from 0 to 100 and drawn from `factors`; null where nothing is known yet."""

    score: int | None
    factors: list[Factor]
    advice: list[Advice]


def report(config: Config, now: int) -> Report:
    """Costs some tens of milliseconds."""
    state = read(config, now)
    found = score.factors(state)
    told = {name: getattr(state, name) for name in State.__struct_fields__}
    return Report(**told, score=score.score(found), factors=found, advice=advice(state))
