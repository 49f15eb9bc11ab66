"""How far a next owner may go on: not past what has not come to the log that it is for."""

from signoff.executor.publishing.delivery import Delivery


def test_without_messages_the_position_is_what_the_bus_acknowledged() -> None:
    assert Delivery().position(5) == 5


def test_the_position_stays_before_a_message_until_its_target_was_read_past_it() -> None:
    delivery = Delivery()
    delivery.sent([3], 5)
    assert delivery.position(9) == 5

    assert delivery.mark(9) == {3}
    delivery.settle({3: 41}, {3: 40})
    assert delivery.position(9) == 5

    delivery.settle({}, {3: 41})
    assert delivery.position(12) == 12


def test_every_target_must_have_been_read() -> None:
    delivery = Delivery()
    delivery.sent([1, 2], 5)
    delivery.mark(9)

    delivery.settle({1: 1, 2: 1}, {1: 1})

    assert delivery.position(9) == 5


def test_messages_sent_after_the_mark_are_settled_by_the_next_one() -> None:
    delivery = Delivery()
    delivery.sent([1], 5)
    delivery.mark(9)
    delivery.sent([2], 9)
    delivery.settle({1: 10}, {1: 10})
    assert delivery.position(12) == 9

    assert delivery.mark(12) == {2}
    delivery.settle({2: 1}, {2: 1})
    assert delivery.position(12) == 12


def test_the_ends_of_a_mark_are_asked_for_once_and_again_when_the_answer_did_not_come() -> None:
    delivery = Delivery()
    delivery.sent([1], 5)
    assert delivery.mark(9) == {1}
    assert delivery.mark(9) == {1}

    delivery.settle({1: 10}, {1: 3})

    assert delivery.mark(9) == set()
    assert delivery.owes
