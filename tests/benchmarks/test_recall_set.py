"""The labelled set for recall: the same on every run, each label names a message, the halves do not overlap."""

from __future__ import annotations

from benchmarks.recall_set.labelled_set import Part, build_labelled_set


def test_the_set_is_the_same_on_every_run() -> None:
    assert build_labelled_set() == build_labelled_set()


def test_each_label_names_a_message_and_each_reply_an_earlier_one() -> None:
    made = build_labelled_set()
    numbers = {one.number for one in made.messages}
    assert all(question.grades and set(question.grades) <= numbers for question in made.questions)
    assert all(one.reply_to is None or one.reply_to < one.number for one in made.messages)


def test_about_half_of_the_questions_is_held_out_and_none_is_in_both_halves() -> None:
    made = build_labelled_set()
    tuning, held_out = ({one.text for one in made.of(part)} for part in (Part.TUNING, Part.HELD_OUT))
    assert len(tuning) > 70 and len(held_out) > 70
    assert not tuning & held_out


def test_no_question_is_asked_twice_with_other_answers() -> None:
    texts = [one.text for one in build_labelled_set().questions]
    assert len(texts) == len(set(texts))
