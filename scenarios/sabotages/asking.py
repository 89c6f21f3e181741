"""What a service asks of the identity provider: keys, what a token means, another token."""

from __future__ import annotations

from scenarios.sabotages.sabotage import Sabotage

KEYS = "services/keys.py"
OAUTH = "services/oauth.py"

SABOTAGES = (
    # keys
    Sabotage(
        "a withdrawn key works for ever",
        KEYS,
        "        if self._clock() - self._fetched > LIFETIME or kid not in self._keys:",
        "        if kid not in self._keys:",
        "tests/test_keys.py::TestRotation::test_a_withdrawn_key_is_gone_after_the_lifetime",
    ),
    Sabotage(
        "keys that are too old go on working",
        KEYS,
        "        if self._clock() - self._fetched > STALE:",
        "        if False:",
        "tests/test_keys.py::TestOutage::test_a_set_too_old_is_not_trusted_any_more",
    ),
    Sabotage(
        "whoever makes up key ids has us ask the IdP each time",
        KEYS,
        "        if fresh or self._clock() - self._tried < COOLDOWN:",
        "        if fresh:",
        "tests/test_keys.py::TestFetching::test_a_flood_of_made_up_key_ids_costs_the_idp_two_fetches",
    ),
    Sabotage(
        "a key for any algorithm may verify",
        KEYS,
        'str(member.get("alg")) in ALGORITHMS',
        'member.get("alg")',
        "tests/test_keys.py::TestUsableKeys::test_a_key_that_may_not_verify_is_passed_over",
    ),
    Sabotage(
        "a key for encryption may verify",
        KEYS,
        ' and member.get("use", "sig") == "sig"',
        "",
        "tests/test_keys.py::TestUsableKeys::test_a_key_that_may_not_verify_is_passed_over",
    ),
    Sabotage(
        "a key that everybody can sign with may verify",
        KEYS,
        ' and "d" not in member:',
        ":",
        "tests/test_keys.py::TestUsableKeys::test_a_key_published_with_its_private_half_is_not_used",
    ),
    # introspection
    Sabotage(
        "a refresh token passes for an access token",
        "services/introspection.py",
        '    token_type: Literal["Bearer"]',
        '    token_type: str = "Bearer"',
        "tests/test_introspection.py::TestMembers::test_only_a_bearer_access_token_is_one",
    ),
    Sabotage(
        "an answer that does not say active counts as yes",
        "services/introspection.py",
        "    active: bool  #",
        "    active: bool = True  #",
        "tests/test_introspection.py::TestActive::test_an_answer_that_does_not_say_is_not_a_yes",
    ),
    Sabotage(
        "any true-ish word means active",
        "services/introspection.py",
        "    active: bool  #",
        "    active: Any  #",
        "tests/test_introspection.py::TestActive::test_only_the_json_value_true_means_active",
    ),
    # oauth
    Sabotage(
        "an IdP's answer may be of any size",
        OAUTH,
        "    if len(body) > MAX_ANSWER:",
        "    if False:",
        "tests/test_oauth.py::TestAnswers"
        "::test_any_answer_but_a_whole_json_object_with_status_200_means_we_cannot_tell",
    ),
    Sabotage(
        "a token that the IdP does not exchange is our own mistake",
        OAUTH,
        '    if error in {"invalid_request", "invalid_grant"}:',
        "    if False:",
        "tests/test_oauth.py::TestAnswers::test_a_token_that_is_not_exchanged_is_our_callers_and_no_good",
    ),
    Sabotage(
        "an error counts as an answer",
        OAUTH,
        "    if status != 200:",
        "    if status < 200:",
        "tests/test_oauth.py::TestAnswers"
        "::test_any_answer_but_a_whole_json_object_with_status_200_means_we_cannot_tell",
    ),
    Sabotage(
        "whoever answers for the IdP is believed to be it",
        OAUTH,
        'Callee(settings.issuer, "idp")',
        'Callee(settings.issuer, "orders")',
        "tests/test_oauth.py::TestTransport::test_an_impostor_is_told_nothing",
    ),
    Sabotage(
        "another kind of token is taken from an exchange",
        OAUTH,
        'answer.get("issued_token_type") != ACCESS_TOKEN or not',
        "not",
        "tests/test_oauth.py::TestAnswers::test_an_exchange_answered_with_something_else_makes_no_sense",
    ),
    # answers that are used again
    Sabotage(
        "what the IdP said is believed without anybody having asked for that",
        OAUTH,
        'self._settings.cache_seconds if answer.get("active") is True else 0.0',
        '60.0 if answer.get("active") is True else 0.0',
        "tests/test_oauth.py::TestQuestions::test_each_token_is_asked_about_each_time",
    ),
    Sabotage(
        "an answer is used for ever",
        OAUTH,
        "if known is not None and self._clock() < known[1]:",
        "if known is not None:",
        "tests/test_oauth.py::TestUsedAgain::test_an_active_token_is_not_asked_about_again_so_soon",
    ),
    Sabotage(
        "the answer about one token is believed of another",
        OAUTH,
        'self._asked(("introspect", _digest(token)), question)',
        'self._asked("introspect", question)',
        "tests/test_oauth.py::TestUsedAgain::test_another_token_is",
    ),
    Sabotage(
        "a no is remembered, and so outlives its reason",
        OAUTH,
        ' if answer.get("active") is True else 0.0',
        "",
        "tests/test_oauth.py::TestUsedAgain::test_what_is_not_active_is_asked_about_each_time",
    ),
    Sabotage(
        "a token exchanged for one service is shown to another",
        OAUTH,
        '("exchange", _digest(token), audience, certificate)',
        '("exchange", _digest(token), certificate)',
        "tests/test_oauth.py::TestUsedAgain::test_but_not_to_another_nor_for_another_token_nor_with_another_certificate",
    ),
    Sabotage(
        "a token bound to one certificate is shown with another",
        OAUTH,
        '("exchange", _digest(token), audience, certificate)',
        '("exchange", _digest(token), audience)',
        "tests/test_oauth.py::TestUsedAgain::test_but_not_to_another_nor_for_another_token_nor_with_another_certificate",
    ),
    Sabotage(
        "a token is shown until it ends on its way",
        OAUTH,
        "min(self._settings.cache_seconds, lasts)",
        "self._settings.cache_seconds",
        "tests/test_oauth.py::TestUsedAgain::test_it_is_not_shown_when_it_may_end_on_its_way",
    ),
    Sabotage(
        "whoever comes late is given an answer from before they came",
        "services/coalescing.py",
        "                del self._next[key]\n",
        "",
        "tests/test_coalescing.py::test_whoever_comes_while_a_question_is_under_way_shares_the_next",
    ),
    Sabotage(
        "whoever waited for silence waits for it again",
        "services/coalescing.py",
        "                if before is not None and isinstance(silence := before.exception(), Silence):",
        "                if False:",
        "tests/test_coalescing.py::test_whoever_waited_for_silence_does_not_wait_for_it_again",
    ),
    Sabotage(
        "those without any key wait for the identity provider one after the other",
        KEYS,
        "        if self._failed > came:",
        "        if False:",
        "tests/test_keys.py::TestOutage",
    ),
    Sabotage(
        "each request of a session waits for the identity provider that says nothing",
        "services/relying_party.py",
        "            if session.silent_at > came - (AGAIN_SECONDS if left > 0 else 0):",
        "            if False:",
        "tests/test_relying_party.py::TestWhileTheIdpSaysNothing",
    ),
)
