"""Kinds of work are told apart by what repeats from item to item."""

from batches.workloads import TaskKey, workload_key


def key_of(*items: tuple[str, ...]) -> str:
    key = TaskKey()
    for texts in items:
        key.note(texts)
    return str(key)


def test_items_of_the_same_instructions_are_one_task() -> None:
    assert key_of(("Sort.", "{}"), ("Sort.", "{}")) == key_of(("Sort.", "{}"))
    assert len(key_of(("Sort.",))) == 16


def test_other_instructions_are_another_task() -> None:
    assert key_of(("Sort.",)) != key_of(("Summarize.",))
    assert key_of(("ab", "c")) != key_of(("a", "bc"))


def test_what_differs_far_behind_is_the_same_task() -> None:
    long = "Sort the ticket. " * 30

    assert key_of((long + "Today is Monday.",)) == key_of((long + "Today is Friday.",))


def test_items_without_instructions_or_of_several_have_no_task() -> None:
    assert key_of((), ()) == ""
    assert key_of(("Sort.",), ("Summarize.",), ("Sort.",)) == ""
    assert key_of(("Sort.",), ()) == ""
    assert key_of((), ("Sort.",)) == ""


def test_a_workflow_names_the_work_before_its_task() -> None:
    names = {"task_key": "0123456789abcdef", "operation": "responses"}

    assert workload_key(workflow="tickets", **names) == "tickets:responses"
    assert workload_key(workflow=None, **names) == "task-0123456789abcdef:responses"
    assert workload_key(workflow=None, task_key="", operation="embeddings") == (
        "model:embeddings"
    )
