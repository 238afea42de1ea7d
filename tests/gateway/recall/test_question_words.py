"""The words of a question: which count, and in which forms they are looked up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.recall.question_words import plain_words, question_words, word_forms, word_stem


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("Why did we drop the cache?", ["drop", "cache"]),
        ("What did kemal's test say about db_2?", ["kemal", "test", "db", "2"]),
        ("who are you", ["who", "are", "you"]),  # nothing else to go by
        ("Müller, MÜLLER und Møller", ["muller", "und", "møller"]),
        ("?!", []),
    ],
)
def test_words_that_count(question: str, words: list[str]) -> None:
    assert question_words(question) == words


@pytest.mark.parametrize(
    ("word", "others"),
    [
        ("rotate", ("rotates", "rotated", "rotating")),
        ("stopped", ("stop", "stops", "stopping")),
        ("policies", ("policy",)),
        ("fail", ("fails", "failed", "failing")),
        ("releases", ("release", "released")),
    ],
)
def test_forms_of_a_word(word: str, others: tuple[str, ...]) -> None:
    assert set(others) < set(word_forms(word))
    assert {word_stem(one) for one in others} == {word_stem(word)}


@pytest.mark.parametrize("word", ["ids", "db2", "schön", "class", "a", "9012"])
def test_short_and_foreign_words_and_figures_are_looked_up_as_they_are(word: str) -> None:
    assert word_forms(word)[0] == word
    assert word_stem("class") == "class" and word_forms("db2") == ("db2",)


@given(st.text(max_size=200))
def test_any_text_gives_words_that_the_index_can_look_up(text: str) -> None:
    for word in question_words(text):
        assert '"' not in word
        assert all(form and word_stem(form) == word_stem(word) for form in word_forms(word)[1:])
    assert all(plain_words(one) for one in question_words(text))
