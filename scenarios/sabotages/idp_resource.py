"""Where a token may be used: the identity provider's resource indicators."""

from __future__ import annotations

from scenarios.sabotages.sabotage import Sabotage

RESOURCE = "idp/resource.py"
CHECKS = "tests/test_idp_resource.py"

SABOTAGES = (
    Sabotage(
        "a client gets a token for whatever it names",
        RESOURCE,
        "    if not set(wanted) <= set(allowed):",
        "    if False:",
        f"{CHECKS}::TestToken::test_what_is_not_the_clients_own_is_refused",
    ),
    Sabotage(
        "a resource need be no URI",
        RESOURCE,
        "    if not ABSOLUTE_URI.match(resource):",
        "    if False:",
        f"{CHECKS}::test_a_resource_is_an_absolute_uri_without_a_fragment",
    ),
    Sabotage(
        "a token is for more than was granted at first",
        RESOURCE,
        " if granted is None or audience in granted]",
        "]",
        f"{CHECKS}::TestToken::test_what_was_not_granted_at_first_is_refused_and_spends_nothing",
    ),
    Sabotage(
        "a token is for nobody in particular once its client has lost all",
        RESOURCE,
        "    if not left:",
        "    if False:",
        f"{CHECKS}::TestToken::test_what_the_client_has_lost_since_is_gone",
    ),
    Sabotage(
        "what a code was asked for is forgotten",
        "idp/code.py",
        "            audience=resource.audiences(request.payload.data, request.client.audience),\n",
        "",
        f"{CHECKS}::TestAuthorize::test_every_token_that_comes_of_it_is_for_that_resource",
    ),
    Sabotage(
        "a person logs in for nothing",
        "idp/authorize.py",
        "        resource.audiences(asked, client.audience)\n",
        "",
        f"{CHECKS}::TestAuthorize::test_what_is_not_the_clients_own_is_refused_before_anybody_logs_in",
    ),
    Sabotage(
        "a client's own token is for all",
        "idp/client_credentials.py",
        "resource.audiences(self.request.form, client.audience) or client.audience",
        "client.audience",
        f"{CHECKS}::TestToken::test_a_client_asks_for_itself",
    ),
    Sabotage(
        "one exchange is for several",
        "idp/exchange.py",
        "        if len(wanted) > 1 or not",
        "        if not",
        f"{CHECKS}::TestExchange::test_it_is_one_and_may_be_asked_for",
    ),
    Sabotage(
        "of several resources only the first is looked at",
        "idp/door.py",
        'CONTROL.search(name + "".join(values))',
        "CONTROL.search(name + values[0])",
        f"{CHECKS}::TestAuthorize::test_a_control_character_in_the_second_is_refused_too",
    ),
)
