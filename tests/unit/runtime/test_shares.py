"""Places shared between holders that nobody knows beforehand."""

from signoff.runtime.shares import Shares


def _fill(shares: Shares[str], who: str, places: float) -> int:
    while shares.may_take(who, places):
        shares.take(who)
    return shares.held(who)


def test_who_is_alone_leaves_a_part_free() -> None:
    assert _fill(Shares(4), "a", 100) == 80


def test_who_comes_second_finds_places() -> None:
    shares: Shares[str] = Shares(4)
    _fill(shares, "a", 100)

    assert _fill(shares, "b", 100) == 16


def test_two_that_want_everything_come_to_hold_the_same() -> None:
    shares: Shares[str] = Shares(4)
    _fill(shares, "a", 100)

    for _ in range(200):  # one place falls free, and both ask for it, the greedy one first
        shares.give_back("a" if shares.held("a") >= shares.held("b") else "b")
        for who in ("a", "b"):
            if shares.may_take(who, 100):
                shares.take(who)

    assert abs(shares.held("a") - shares.held("b")) <= 1


def test_the_only_place_may_be_taken() -> None:
    assert _fill(Shares(4), "a", 1) == 1


def test_what_is_given_back_is_free() -> None:
    shares: Shares[str] = Shares(4)
    shares.take("a")
    shares.give_back("a")

    assert (shares.total, shares.held("a")) == (0, 0)


def test_so_many_places_are_one_holders() -> None:
    shares: Shares[str] = Shares(2)

    assert _fill(shares, "a", shares.places_for_one(64)) == 64
