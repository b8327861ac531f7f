"""Connections of each address are counted; of IPv6, those of each network."""

import pytest

from tendigits.serve.edge.addresses import AddressCounter, owner_of


def test_an_address_gets_so_many_and_others_as_many():
    addresses = AddressCounter(2)
    assert [addresses.admit("192.0.2.1") for _ in range(3)] == [True, True, False]
    assert addresses.admit("192.0.2.2")
    addresses.release("192.0.2.1")
    assert [addresses.admit("192.0.2.1") for _ in range(2)] == [True, False]


def test_nothing_is_kept_of_those_that_have_gone():
    addresses = AddressCounter(1)
    for i in range(100):
        addresses.admit(f"192.0.2.{i}")
        addresses.release(f"192.0.2.{i}")
    assert not addresses._open


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
