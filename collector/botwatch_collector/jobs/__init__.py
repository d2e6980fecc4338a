"""What is done from time to time: a table of jobs, and the process that runs them."""

from .declared import JOBS, Job
from .work import Shift, work

__all__ = ["JOBS", "Job", "Shift", "work"]
