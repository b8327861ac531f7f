"""Each address has a share of a total; of IPv6, each network."""

import pytest

from tendigits.serve.edge.shares import Shares, owner_of


def test_an_address_gets_its_share_and_others_theirs_until_the_total_is_reached():
    shares = Shares(total=5, each=2)
    assert [shares.take("192.0.2.1") for _ in range(3)] == [True, True, False]
    assert [shares.take("192.0.2.2", amount) for amount in (3, 2)] == [False, True]
    assert [shares.take("192.0.2.3", amount) for amount in (2, 1)] == [False, True]
    shares.give_back("192.0.2.1")
    assert [shares.take("192.0.2.1") for _ in range(2)] == [True, False]


def test_nothing_is_kept_of_those_that_have_gone():
    shares = Shares(1, 1)
    for i in range(100):
        assert shares.take(f"192.0.2.{i}")
        shares.give_back(f"192.0.2.{i}")
    assert not shares._of
    assert not shares.taken


@pytest.mark.parametrize(
    ("address", "owner"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("", ""),
    ],
)
def test_who_has_an_address(address, owner):
    assert owner_of(address) == owner
