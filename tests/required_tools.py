"""A pytest plugin: where BOTWATCH_TEST_REQUIRE is set, a test that is skipped for a missing tool has failed.

So that a machine meant to run everything can't go green by running little. A skip that names a BOTWATCH_...
variable stays one: what that variable would name is beyond any machine of ours.
"""

import os
from collections.abc import Generator

import pytest

REQUIRED = bool(os.environ.get("BOTWATCH_TEST_REQUIRE"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: "pytest.CallInfo[None]"
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if REQUIRED and report.skipped and not hasattr(report, "wasxfail"):
        _fail_unless_excused(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if REQUIRED and report.skipped:
        _fail_unless_excused(report)
    return report


def _fail_unless_excused(report: pytest.TestReport | pytest.CollectReport) -> None:
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    if "BOTWATCH_" not in reason:
        report.outcome = "failed"
        report.longrepr = f"{reason}\nBOTWATCH_TEST_REQUIRE is set: nothing may be skipped for a missing tool"
