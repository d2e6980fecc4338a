"""What was looked for is marked in what was found, and nothing that somebody wrote becomes markup."""

import pytest

from botwatch_collector.messages import parsed
from botwatch_collector.pages.marks import marked, sought

CASES = [
    ("Where is my Refund?", "refund", "Where is my <mark>Refund</mark>?"),
    ("refunds refund", "refund", "refunds <mark>refund</mark>"),
    ("refunds refund", "refu*", "<mark>refunds</mark> <mark>refund</mark>"),
    ("CAFÉ cafe\u0301 cafe", "cafe", "<mark>CAFÉ</mark> <mark>cafe\u0301</mark> <mark>cafe</mark>"),
    ("Привет, мир", "МИР", "Привет, <mark>мир</mark>"),
    ("my refund, my refund", '"my ref*" -else', "my refund, my refund"),
    ("my money my refund", '"my refund"', "my money <mark>my refund</mark>"),
    ("one-two one two three", 'one-two "two three"', "<mark>one-two</mark> <mark>one two</mark> three"),
    ("not this", "not -this", "<mark>not</mark> this"),
    ("a<b>refund</b>", "refund b", "a&lt;<mark>b</mark>&gt;<mark>refund</mark>&lt;/<mark>b</mark>&gt;"),
    ("<mark>amp & amp</mark>", "amp", "&lt;mark&gt;<mark>amp</mark> &amp; <mark>amp</mark>&lt;/mark&gt;"),
    ("nothing here", "else", "nothing here"),
    ("at the very end", "end of", "at the very <mark>end</mark>"),
]


@pytest.mark.parametrize(("text", "query", "shown"), CASES)
def test_sought_words_are_marked_and_the_rest_is_escaped(text: str, query: str, shown: str) -> None:
    assert marked(text, sought(parsed(query))) == shown


def test_text_without_a_query_is_only_escaped() -> None:
    assert marked("<script>", sought(None)) == "&lt;script&gt;"
