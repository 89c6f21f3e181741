"""The identity provider's grants: codes and their proofs, refresh tokens, exchange."""

from __future__ import annotations

from scenarios.sabotages.sabotage import Sabotage

CODE = "idp/code.py"
PKCE = "idp/pkce.py"
REFRESH = "idp/refresh.py"
EXCHANGE = "idp/exchange.py"
GRANTS = "tests/test_idp_grants.py"
CODES = "tests/test_idp_attacks_codes.py"

SABOTAGES = (
    # code
    Sabotage(
        "another client redeems the code",
        CODE,
        "        if found is None or found.authorization.client_id != client.client_id:",
        "        if found is None:",
        f"{GRANTS}::TestAuthorizationCode::test_a_code_is_bound_to_its_client",
    ),
    Sabotage(
        "a replayed code takes nothing back",
        CODE,
        "        self.server.tokens.revoke_family(code.authorization)\n",
        "",
        f"{GRANTS}::TestAuthorizationCode::test_a_replayed_code_takes_back_all_that_came_of_it",
    ),
    Sabotage(
        "a used code in another client's hands takes nothing back",
        CODE,
        "        if found is not None and found.spent:",
        "        if found is not None and found.spent and found.authorization.client_id == client.client_id:",
        f"{CODES}::TestReplayedCode::test_a_replay_takes_all_of_it_back",
    ),
    Sabotage(
        "a code works for ever",
        CODE,
        "        if found.expires <= self.server.clock() or found.authorization.revoked:",
        "        if found.authorization.revoked:",
        f"{GRANTS}::TestAuthorizationCode::test_a_code_expires_after_a_minute",
    ),
    Sabotage(
        "a code from before the log-out works",
        CODE,
        "        if found.expires <= self.server.clock() or found.authorization.revoked:",
        "        if found.expires <= self.server.clock():",
        f"{GRANTS}::TestAuthorizationCode::test_a_code_from_before_the_logout_is_refused",
    ),
    Sabotage(
        "a code of a disabled person works",
        CODE,
        "        if user is None or user.version != code.authorization.user_version:",
        "        if user is not None and user.version != code.authorization.user_version:",
        f"{GRANTS}::TestAuthorizationCode::test_a_code_of_a_person_disabled_meanwhile_is_refused",
    ),
    Sabotage(
        "a code from before a new password works",
        CODE,
        "        if user is None or user.version != code.authorization.user_version:",
        "        if user is None:",
        f"{GRANTS}::TestAuthorizationCode::test_a_code_from_before_a_new_password_is_refused",
    ),
    Sabotage(
        "of many who redeem one code, several succeed",
        CODE,
        "        if not won:\n            self._replayed(code)\n",
        "",
        f"{GRANTS}::TestAuthorizationCode::test_a_race_for_a_code_has_no_spoils",
    ),
    Sabotage(
        "a code is bound to no redirect URI",
        CODE,
        "        return self.redirect_uri",
        "        return None",
        f"{GRANTS}::TestAuthorizationCode::test_a_code_is_bound_to_its_redirect_uri",
    ),
    Sabotage(
        "a person gives what they do not have",
        CODE,
        "        scope = tokens.granted(request.scope, login.user)",
        "        scope = request.scope",
        f"{GRANTS}::TestAuthorizationCode::test_the_scope_is_narrowed_to_what_the_person_has",
    ),
    # pkce
    Sabotage(
        "a plain challenge will do",
        PKCE,
        '        if asked.get("code_challenge_method") != "S256" or not CHALLENGE',
        "        if not CHALLENGE",
        f"{GRANTS}::TestProofKey::test_no_code_without_a_proper_challenge",
    ),
    Sabotage(
        "a code needs no challenge",
        PKCE,
        ' or not CHALLENGE.match(asked.get("code_challenge", "")):',
        ":",
        f"{GRANTS}::TestProofKey::test_no_code_without_a_proper_challenge",
    ),
    Sabotage(
        "a verifier may have any length",
        PKCE,
        "        if not VERIFIER.match(verifier):",
        "        if not verifier:",
        f"{GRANTS}::TestProofKey::test_a_verifier_of_another_length_is_refused_though_its_hash_fits",
    ),
    Sabotage(
        "any verifier fits",
        PKCE,
        "        if not hmac.compare_digest(create_s256_code_challenge(verifier), expected):",
        "        if not expected:",
        f"{GRANTS}::TestProofKey::test_no_token_without_the_verifier",
    ),
    # refresh
    Sabotage(
        "another client refreshes",
        REFRESH,
        "        if found is None or not found.check_client(self.request.client):",
        "        if found is None:",
        f"{GRANTS}::TestRefresh::test_another_client_cannot_use_it_nor_spoil_it",
    ),
    Sabotage(
        "a refresh token used twice takes nothing back",
        REFRESH,
        "        self.server.tokens.revoke_family(token.authorization)\n",
        "",
        f"{GRANTS}::TestRefresh::test_reuse_takes_back_the_whole_family",
    ),
    Sabotage(
        "a refresh token works as often as one likes",
        REFRESH,
        "        if found.spent:\n",
        "        if False:\n",
        f"{GRANTS}::TestRefresh::test_reuse_takes_back_the_whole_family",
        also=((REFRESH, "        if not self.server.tokens.spend(old):", "        if False:"),),
    ),
    Sabotage(
        "who loses the race for a refresh token gets one too",
        REFRESH,
        "        if not self.server.tokens.spend(old):",
        "        if self.server.tokens.spend(old) is None:",
        f"{GRANTS}::TestRefresh::test_who_loses_the_race_is_treated_as_a_thief",
    ),
    Sabotage(
        "a person who is not as they were stays logged in",
        REFRESH,
        "        if user is None or user.version != authorization.user_version:",
        "        if user is None:",
        f"{GRANTS}::TestRefresh::test_a_person_who_is_not_as_they_were_has_to_log_in_again",
    ),
    Sabotage(
        "a token that allows nothing is got for a space",
        REFRESH,
        "        if not scope:\n",
        "        if scope is None:\n",
        f"{CODES}::TestStolenRefreshToken::test_it_is_no_good_for_more_than_was_granted",
    ),
    Sabotage(
        "a client that has lost a scope goes on having it",
        REFRESH,
        " for one in asked if one in client.scopes)",
        " for one in asked)",
        f"{GRANTS}::TestRefresh::test_a_scope_taken_from_the_client_is_gone",
    ),
    Sabotage(
        "a client that has lost a scope gets it for a code",
        CODE,
        " for one in code.authorization.scope.split() if one in client.scopes)",
        " for one in code.authorization.scope.split())",
        f"{GRANTS}::TestAuthorizationCode::test_a_scope_taken_from_the_client_meanwhile_is_gone",
    ),
    Sabotage(
        "a family lasts for ever",
        REFRESH,
        " or found.expires <= self.server.clock():",
        ":",
        f"{GRANTS}::TestRefresh::test_the_family_ends_after_eight_hours_however_often_it_is_refreshed",
    ),
    # exchange
    Sabotage(
        "whoever likes exchanges tokens",
        EXCHANGE,
        "        if not client.check_grant_type(self.GRANT_TYPE):",
        "        if False:",
        f"{GRANTS}::TestExchange::test_a_client_that_may_not_exchange_is_refused",
    ),
    Sabotage(
        "a service gets a token for whomever it likes",
        EXCHANGE,
        "        if len(wanted) > 1 or not wanted <= client.exchange_audiences:",
        "        if len(wanted) > 1:",
        f"{GRANTS}::TestExchange::test_an_audience_that_is_not_the_clients_to_ask_for_is_refused",
    ),
    Sabotage(
        "a token that was meant for somebody else is exchanged",
        EXCHANGE,
        "        if found is None or client.client_id not in (found.aud or []):",
        "        if found is None:",
        f"{GRANTS}::TestExchange::test_a_token_for_another_audience_is_refused",
    ),
    Sabotage(
        "who is not named as the actor acts",
        EXCHANGE,
        "        if found.may_act not in (None, client.client_id):",
        "        if False:",
        f"{GRANTS}::TestExchange::test_only_the_actor_that_the_registration_names_may_act",
    ),
    Sabotage(
        "a token does not tell who may act",
        "idp/tokens.py",
        "        if client.may_act:\n",
        "        if False:\n",
        f"{GRANTS}::TestExchange::test_a_token_carries_who_may_act_and_keeps_to_it",
    ),
    Sabotage(
        "an exchange widens the scope",
        EXCHANGE,
        "        if not wanted or not set(wanted) <= set(scopes):",
        "        if not wanted or not scopes:",
        f"{GRANTS}::TestExchange::test_the_scope_cannot_be_widened",
    ),
    Sabotage(
        "an exchanged token outlives the one it came from",
        EXCHANGE,
        "            not_after=subject.expires,\n",
        "",
        f"{GRANTS}::TestExchange::test_it_never_outlives_the_token_it_came_from",
    ),
    Sabotage(
        "an exchanged token is bound to nobody",
        EXCHANGE,
        "            cnf=mtls.confirmation(),\n",
        "",
        f"{GRANTS}::TestExchange::test_the_new_token_is_for_one_audience_bound_and_names_the_actor",
    ),
    Sabotage(
        "who acted before is forgotten",
        EXCHANGE,
        '**({"act": subject.act} if subject.act else {})}',
        "}",
        f"{GRANTS}::TestExchange::test_the_chain_of_actors_grows_and_each_hop_is_bound_to_its_own_certificate",
    ),
    Sabotage(
        "an actor may be named by a token",
        EXCHANGE,
        '        if "actor_token" in form or "actor_token_type" in form:',
        "        if False:",
        f"{GRANTS}::TestExchange::test_a_malformed_request_is_refused",
    ),
    Sabotage(
        "any kind of token is exchanged",
        EXCHANGE,
        ' or form.get("subject_token_type") != ACCESS_TOKEN:',
        ":",
        f"{GRANTS}::TestExchange::test_a_malformed_request_is_refused",
    ),
)
