"""The policy that every pattern serves."""

from __future__ import annotations

from scenarios.sabotages.sabotage import Sabotage

POLICY = "services/policy.py"

SABOTAGES = (
    Sabotage(
        "a proven caller may do anything",
        POLICY,
        "        if identity.caller not in rule.callers:",
        "        if not identity.caller:",
        "tests/test_policy.py::test_a_proven_caller_may_do_what_it_is_granted_and_nothing_else",
    ),
    Sabotage(
        "a proven person needs no scope",
        POLICY,
        "        if rule.scope not in identity.scopes:",
        "        if not rule.scope:",
        "tests/test_policy.py::test_a_proven_person_needs_the_scope_of_the_operation",
    ),
    Sabotage(
        "a person who is proven is not asked for scopes",
        POLICY,
        "    if identity.user_proven:",
        "    if identity.user_proven and not identity.caller_proven:",
        "tests/test_policy.py::test_where_both_are_proven_both_must_pass",
    ),
    Sabotage(
        "what takes a person is done for nobody",
        POLICY,
        '        raise Forbidden("this takes a person, and the caller acts for nobody")',
        '        return "nobody"',
        "tests/test_policy.py::test_some_things_take_a_person",
    ),
    Sabotage(
        "everybody sees everything",
        POLICY,
        "    return identity.user == owner or allows(identity, operation)",
        "    return True",
        "tests/test_policy.py::test_a_proven_person_sees_their_own_and_support_sees_all",
    ),
    Sabotage(
        "customers may refund",
        POLICY,
        'CUSTOMER = frozenset({"items:read", "orders:read", "orders:write"})',
        'CUSTOMER = frozenset({"items:read", "orders:read", "orders:write", "orders:refund"})',
        "tests/test_policy.py::test_customers_may_not_refund_nor_read_what_is_others",
    ),
    Sabotage(
        "the gateway may take money by itself",
        POLICY,
        '    "charges:write":     _rule("orders:write",    "orders"),',
        '    "charges:write":     _rule("orders:write",    "orders", "gateway"),',
        "tests/test_policy.py::test_a_proven_caller_may_do_what_it_is_granted_and_nothing_else",
    ),
    Sabotage(
        "a caller's word counts as proof of the user",
        "services/identity.py",
        '        return self.vouched_by in {"password", "idp", "signature"}',
        '        return self.vouched_by in {"password", "idp", "signature", "caller"}',
        "tests/test_headers.py::TestIdentity::test_a_user_is_proven_by_more_than_the_callers_word",
    ),
)
