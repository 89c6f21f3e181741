"""The seven pattern modules."""

from __future__ import annotations

from scenarios.sabotages.sabotage import Sabotage

PERIMETER = "services/patterns/perimeter.py"
BASIC = "services/patterns/basic.py"
SUBSYSTEM = "services/patterns/subsystem.py"
MTLS = "services/patterns/mtls.py"
OAUTH2 = "services/patterns/oauth2.py"
JWT = "services/patterns/jwt.py"
ZEROTRUST = "services/patterns/zerotrust.py"
PASSWORDS = "tests/test_password_patterns.py"
BEARERS = "tests/test_bearer_patterns.py"
SEAM = "tests/test_seam.py"

SABOTAGES = (
    # perimeter: there is no guard but the reading of the header
    Sabotage(
        "the user is not read strictly",
        PERIMETER,
        "user=asserted_user(request),",
        'user=request.headers.get("X-User"),',
        f"{PASSWORDS}::test_a_user_who_cannot_be_is_not_asserted",
    ),
    # basic
    Sabotage(
        "a wrong password passes",
        BASIC,
        '            raise Unauthenticated(f"wrong name or password for {name}") from None',
        "            user = self.users.get(name)",
        f"{PASSWORDS}::TestBasic::test_a_wrong_password_proves_nobody",
    ),
    Sabotage(
        "a store that cannot be read means no, rather than that we cannot tell",
        BASIC,
        "            raise Unavailable(str(error)) from error",
        "            raise Unauthenticated(str(error)) from error",
        f"{PASSWORDS}::TestBasic::test_a_store_that_cannot_be_read_is_not_a_no",
    ),
    Sabotage(
        "without a password something is presented",
        BASIC,
        "        if identity.user is None or identity.credential is None:",
        "        if identity.user is None:",
        f"{PASSWORDS}::TestBasic::test_without_a_password_there_is_nothing_to_show",
    ),
    Sabotage(
        "the next service is not verified",
        BASIC,
        '            "verify": self.settings.bundle,\n',
        "",
        f"{PASSWORDS}::TestBasic::test_the_next_service_is_shown_the_same_password",
    ),
    # subsystem
    Sabotage(
        "a service's wrong password passes",
        SUBSYSTEM,
        "            if self._passwords.match(stored, password):\n",
        "            if True:\n",
        f"{PASSWORDS}::TestSubsystem::test_a_wrong_password_proves_nobody",
    ),
    Sabotage(
        "a caller that nobody knows is let in",
        SUBSYSTEM,
        "        if which is None:\n",
        "        if which is None and caller in self._callers.now():\n",
        f"{PASSWORDS}::TestSubsystem::test_a_wrong_password_proves_nobody",
    ),
    Sabotage(
        "an unknown caller is answered sooner than a known one",
        SUBSYSTEM,
        "[*theirs, *[passwords.decoy()] * missing]",
        "theirs",
        f"{PASSWORDS}::test_an_unknown_name_costs_a_slow_hash_as_a_known_one_does",
    ),
    Sabotage(
        "time tells whose password is being changed",
        SUBSYSTEM,
        "[*theirs, *[passwords.decoy()] * missing]",
        "theirs or [passwords.decoy()]",
        f"{PASSWORDS}::test_while_one_callers_password_is_changed_a_wrong_one_costs_the_same_for_every_name",
    ),
    Sabotage(
        "nobody is told that the older password is still in use",
        SUBSYSTEM,
        "{'older ' if which else ''}",
        "",
        f"{PASSWORDS}::TestSubsystem::test_two_passwords_count_while_one_takes_the_others_place",
    ),
    Sabotage(
        "a password that was taken out is still accepted",
        "services/following.py",
        "        if known is None or known[0] != changed:",
        "        if known is None:",
        f"{PASSWORDS}::TestSubsystem::test_two_passwords_count_while_one_takes_the_others_place",
    ),
    Sabotage(
        "a list of callers that cannot be read means no",
        SUBSYSTEM,
        '            raise Unavailable("the list of callers cannot be read") from error',
        "            known = {}",
        f"{PASSWORDS}::TestSubsystem::test_a_list_of_callers_that_cannot_be_read_is_not_a_no",
    ),
    Sabotage(
        "a proven caller does not count as proven, so its grants are not asked for",
        SUBSYSTEM,
        "            caller_proven=True,",
        "            caller_proven=False,",
        f"{SEAM}::test_what_is_proven_on_the_way_is_what_the_pattern_claims",
    ),
    # mtls
    Sabotage(
        "no certificate is asked for",
        MTLS,
        'client="required"',
        'client="none"',
        "tests/test_mtls_pattern.py::test_nobody_connects_without_a_certificate",
    ),
    Sabotage(
        "a certificate that may not name anyone passes",
        MTLS,
        "            raise Forbidden(str(error)) from None",
        '            peer = tls.Peer("gateway", str(error), "")',
        "tests/test_mtls_pattern.py::test_a_genuine_certificate_that_may_not_name_anyone_is_forbidden",
    ),
    Sabotage(
        "a connection that proved nobody passes",
        MTLS,
        '            raise Forbidden("the connection proved nobody")',
        '            peer = tls.Peer("gateway", "", "")',
        "tests/test_mtls_pattern.py::test_a_connection_that_proved_nobody_is_forbidden_whatever_its_headers_say",
    ),
    Sabotage(
        "a proven caller does not count as proven, so its grants are not asked for",
        MTLS,
        "            caller_proven=True,",
        "            caller_proven=False,",
        f"{SEAM}::test_what_is_proven_on_the_way_is_what_the_pattern_claims",
    ),
    Sabotage(
        "we show no certificate",
        MTLS,
        '            "cert": self.settings.leaf,\n',
        "",
        "tests/test_mtls_pattern.py::test_the_next_service_is_shown_our_certificate_and_told_the_user",
    ),
    # oauth2
    Sabotage(
        "an inactive token passes for one that makes no sense",
        OAUTH2,
        '        if answer.get("active") is False:',
        "        if False:",
        "tests/test_introspection.py::TestActive::test_a_token_that_is_not_active_is_refused",
    ),
    Sabotage(
        "a token meant for another service is taken",
        OAUTH2,
        "        if self.settings.service not in found.audiences:",
        "        if not found.audiences:",
        "tests/test_introspection.py::TestMeaning::test_a_token_for_somebody_else_is_refused",
    ),
    Sabotage(
        "another issuer's token is taken",
        OAUTH2,
        "        if found.iss != self.settings.issuer:",
        "        if not found.iss:",
        "tests/test_introspection.py::TestMeaning::test_an_answer_about_another_issuers_token_makes_no_sense",
    ),
    Sabotage(
        "an expired token is taken, if the IdP calls it active",
        OAUTH2,
        "        if found.exp <= time.time():",
        "        if found.exp <= 0:",
        "tests/test_introspection.py::TestMeaning::test_an_active_token_that_has_expired_has_expired",
    ),
    Sabotage(
        "a bound token is taken from anybody",
        OAUTH2,
        "        if found.cnf is not None:",
        "        if found.cnf == {}:",
        "tests/test_introspection.py::TestMeaning::test_a_token_bound_to_a_key_is_not_taken_from_just_anybody",
    ),
    Sabotage(
        "an answer that makes no sense means no, rather than that we cannot tell",
        OAUTH2,
        '            raise Unavailable("the IdP\'s answer about the token makes no sense") from None',
        '            raise Unauthenticated("the token is no good") from None',
        "tests/test_introspection.py::TestMembers",
    ),
    # jwt
    Sabotage(
        "a bound token is taken from anybody",
        JWT,
        "        if claims.cnf is not None:",
        "        if claims.cnf is not None and not claims.cnf.x5t_s256:",
        f"{BEARERS}::TestBadTokens::test_a_bound_token_is_refused_where_binding_is_not_checked",
    ),
    Sabotage(
        "a token for any service is taken",
        JWT,
        "access_token.verify(token, self.idp.keys, self.settings.issuer, self.settings.service)",
        'access_token.verify(token, self.idp.keys, self.settings.issuer, "gateway")',
        f"{BEARERS}::TestBadTokens::test_a_token_for_somebody_else_is_refused",
    ),
    Sabotage(
        "without a token something is presented",
        JWT,
        "        if identity.credential is None:",
        "        if identity.user is None:",
        f"{BEARERS}::TestPassingOn::test_without_a_token_there_is_nothing_to_pass_on",
    ),
    # zerotrust
    Sabotage(
        "no certificate is asked for",
        ZEROTRUST,
        'client="required"',
        'client="none"',
        f"{BEARERS}::TestDoor::test_only_zero_trust_asks_a_connection_for_a_certificate",
    ),
    Sabotage(
        "a certificate that may not name anyone passes",
        ZEROTRUST,
        "            raise Forbidden(str(error)) from None",
        '            peer = tls.Peer("gateway", str(error), "")',
        f"{BEARERS}::TestZeroTrust::test_a_certificate_that_may_not_name_anyone_is_nobodys",
    ),
    Sabotage(
        "a connection that proved nobody passes",
        ZEROTRUST,
        '            raise Forbidden("the connection proved nobody")',
        '            peer = tls.Peer("gateway", "", "")',
        f"{BEARERS}::TestZeroTrust::test_without_a_certificate_nobody_is_heard",
    ),
    Sabotage(
        "a token that is bound to nothing is taken",
        ZEROTRUST,
        "        if claims.cnf is None or not hmac",
        "        if claims.cnf is not None and not hmac",
        f"{BEARERS}::TestZeroTrust::test_a_token_bound_to_nothing_is_refused",
    ),
    Sabotage(
        "a token that is bound to another certificate is taken",
        ZEROTRUST,
        "        if claims.cnf is None or not hmac.compare_digest(claims.cnf.x5t_s256, peer.thumbprint):",
        "        if claims.cnf is None:",
        f"{BEARERS}::TestZeroTrust::test_a_token_bound_to_another_certificate_is_refused",
    ),
    Sabotage(
        "a token that was issued to another client is taken",
        ZEROTRUST,
        "        if claims.client_id != peer.name or (",
        "        if (",
        f"{BEARERS}::TestZeroTrust::test_a_token_that_was_issued_to_another_client_is_refused",
    ),
    Sabotage(
        "a token that names another actor is taken",
        ZEROTRUST,
        ' or (claims.act or {}).get("sub") != peer.name:',
        ":",
        f"{BEARERS}::TestZeroTrust::test_a_token_that_names_another_actor_is_refused",
    ),
    Sabotage(
        "the user's own token is passed on instead of an exchanged one",
        ZEROTRUST,
        "{self.idp.exchange(identity.credential, audience, certificate)}",
        "{identity.credential}",
        f"{BEARERS}::TestPassingOn::test_under_zero_trust_each_hop_gets_a_token_of_its_own",
    ),
    Sabotage(
        "a token that is bound to one certificate is shown with the next",
        ZEROTRUST,
        '            "cert": certificate,',
        '            "cert": self.settings.leaf,',
        f"{BEARERS}::TestPassingOn::test_the_next_service_is_shown_the_certificate_that_the_token_was_bound_to",
    ),
)
