"""The authorization table, held against one written down independently, and how a proof counts."""

from __future__ import annotations

import itertools

import pytest

from services import policy
from services.identity import Forbidden, Identity, Voucher

SERVICES = ("gateway", "orders", "inventory", "billing", "idp", "cli", "alice")

# operation: (the scope, the callers)
EXPECTED = {
    "items:read": ("items:read", {"gateway"}),
    "orders:read": ("orders:read", {"gateway"}),
    "orders:read:any": ("orders:read:any", {"gateway"}),
    "orders:write": ("orders:write", {"gateway"}),
    "orders:refund": ("orders:refund", {"gateway"}),
    "stock:reserve": ("orders:write", {"orders"}),
    "charges:read": ("orders:read", set()),
    "charges:read:any": ("orders:read:any", {"orders"}),
    "charges:write": ("orders:write", {"orders"}),
    "charges:refund": ("orders:refund", {"orders"}),
}
ALL_SCOPES = frozenset(scope for scope, _ in EXPECTED.values())
LOOK_ALIKES = ("orders", "orders:", "orders:rea", "orders:reads", "xorders:read", "ORDERS:READ", "orders:*", "*", "")


def who(
    caller: str = "gateway",
    user: str | None = "alice",
    scopes: frozenset[str] = frozenset(),
    vouched_by: Voucher = "caller",
    *,
    proven: bool = True,
) -> Identity:
    return Identity(caller, user, scopes, vouched_by, "", caller_proven=proven)


def test_every_operation_is_written_down() -> None:
    assert set(policy.POLICY) == set(EXPECTED)


@pytest.mark.parametrize("caller", SERVICES)
@pytest.mark.parametrize("operation", EXPECTED)
def test_a_proven_caller_may_do_what_it_is_granted_and_nothing_else(operation: str, caller: str) -> None:
    if caller in EXPECTED[operation][1]:
        assert policy.authorize(who(caller), operation) == f"grant of {caller}"
    else:
        with pytest.raises(Forbidden, match=f"{caller} is not granted {operation}") as refused:
            policy.authorize(who(caller), operation)
        assert refused.value.error == ""


@pytest.mark.parametrize("vouched_by", ["password", "idp", "signature"])
@pytest.mark.parametrize("operation", EXPECTED)
def test_a_proven_person_needs_the_scope_of_the_operation(operation: str, vouched_by: Voucher) -> None:
    scope = EXPECTED[operation][0]
    has = who("alice", scopes=frozenset({scope}), vouched_by=vouched_by, proven=False)
    has_all_others = who("alice", scopes=ALL_SCOPES - {scope}, vouched_by=vouched_by, proven=False)
    assert policy.authorize(has, operation) == f"scope {scope}"
    with pytest.raises(Forbidden, match=f"{operation} needs {scope}") as refused:
        policy.authorize(has_all_others, operation)
    assert (refused.value.error, refused.value.scope) == ("insufficient_scope", scope)


@pytest.mark.parametrize("scope", LOOK_ALIKES, ids=repr)
def test_a_scope_that_only_looks_like_it_does_not_do(scope: str) -> None:
    with pytest.raises(Forbidden):
        policy.authorize(who(scopes=frozenset({scope}), vouched_by="signature"), "orders:read")


def test_where_both_are_proven_both_must_pass() -> None:
    def proven(caller: str, scope: str) -> Identity:
        return who(caller, scopes=frozenset({scope}), vouched_by="signature")

    good = policy.authorize(proven("gateway", "orders:read"), "orders:read")
    assert good == "grant of gateway and scope orders:read"
    for caller, scope in (("orders", "orders:read"), ("gateway", "orders:write"), ("orders", "orders:write")):
        with pytest.raises(Forbidden):
            policy.authorize(proven(caller, scope), "orders:read")


@pytest.mark.parametrize("vouched_by", ["network", "caller"])
def test_scopes_that_nobody_has_proven_count_for_nothing(vouched_by: Voucher) -> None:
    asserted = who("orders", scopes=ALL_SCOPES, vouched_by=vouched_by)
    with pytest.raises(Forbidden):
        policy.authorize(asserted, "orders:read")


@pytest.mark.parametrize("operation", EXPECTED)
def test_where_nobody_is_proven_everything_goes_and_the_audit_line_says_so(operation: str) -> None:
    nobody = who("anyone inside", vouched_by="network", proven=False)
    assert policy.authorize(nobody, operation) == "nothing: nobody is proven"


def test_an_operation_that_is_not_in_the_table_is_nobodys() -> None:
    with pytest.raises(KeyError):
        policy.authorize(who(), "orders:delete")


@pytest.mark.parametrize("vouched_by", ["network", "caller", "password", "idp", "signature"])
def test_what_may_be_done_is_what_is_shown(vouched_by: Voucher) -> None:
    for operation, caller, scope in itertools.product(EXPECTED, SERVICES, ALL_SCOPES):
        asking = who(caller, scopes=frozenset({scope}), vouched_by=vouched_by)
        try:
            policy.authorize(asking, operation)
        except Forbidden:
            assert not policy.allows(asking, operation)
        else:
            assert policy.allows(asking, operation)


def test_some_things_take_a_person() -> None:
    assert policy.person(who(user="alice")) == "alice"
    with pytest.raises(Forbidden, match="acts for nobody"):
        policy.person(who(user=None))


@pytest.mark.parametrize(
    ("user", "scopes", "seen"),
    [
        ("alice", policy.CUSTOMER, True),
        ("bob", policy.CUSTOMER, False),
        ("Alice", policy.CUSTOMER, False),
        (None, policy.CUSTOMER, False),
        ("carol", policy.SUPPORT, True),
        ("carol", policy.SUPPORT - {"orders:read:any"}, False),
    ],
)
def test_a_proven_person_sees_their_own_and_support_sees_all(
    user: str | None, scopes: frozenset[str], seen: bool
) -> None:
    person = who(user=user, scopes=scopes, vouched_by="signature")
    assert policy.may_see(person, "alice", "orders:read:any") is seen


@pytest.mark.parametrize(("caller", "seen"), [("gateway", True), ("orders", False), ("inventory", False)])
def test_where_the_person_is_only_asserted_the_callers_grant_decides(caller: str, seen: bool) -> None:
    assert policy.may_see(who(caller, user="bob"), "alice", "orders:read:any") is seen


def test_customers_may_not_refund_nor_read_what_is_others() -> None:
    assert {"items:read", "orders:read", "orders:write"} == policy.CUSTOMER
    assert {"orders:read:any", "orders:refund"} == policy.SUPPORT - policy.CUSTOMER
