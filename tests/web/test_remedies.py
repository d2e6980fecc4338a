"""What is said of bots that aren't there as they should be."""

from typing import Any

from botwatch_collector.pages.remedies import remedies


def bot(name: str, state: str, *, deaf: bool = False) -> dict[str, Any]:
    return {"name": name, "state": state, "deaf": deaf}


def test_bots_that_are_well_need_nothing() -> None:
    assert remedies([bot(state, state) for state in ("up", "stopped", "never")]) == []


def test_each_trouble_is_named_with_what_to_do_the_gravest_first() -> None:
    found = remedies([bot("a", "late"), bot("b", "up", deaf=True), bot("c", "down")])

    assert [one["name"] for one, _ in found] == ["c", "a", "b"]
    troubles = [remedy.trouble for _, remedy in found]
    for words, trouble in zip(("no heartbeat any more", "late", "gets no messages"), troubles, strict=True):
        assert words in trouble
    assert all(remedy.steps for _, remedy in found)
