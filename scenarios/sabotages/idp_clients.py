"""Whom the identity provider takes for a client, and what it lets one ask for."""

from __future__ import annotations

from scenarios.sabotages.sabotage import Sabotage

CLIENT_AUTH = "idp/client_auth.py"
CLIENTS = "idp/clients.py"
AUTHORIZE = "idp/authorize.py"
DOOR = "idp/door.py"
GRANTS = "tests/test_idp_grants.py"
BROWSER = "tests/test_idp_browser.py"
ATTACKS = "tests/test_idp_attacks_clients.py"
FALSE = f"{ATTACKS}::TestFalseColours"
REQUESTS = "tests/test_idp_attacks_requests.py"
KINDS = "tests/test_idp_tokens.py"

SABOTAGES = (
    # client authentication
    Sabotage(
        "any secret will do",
        CLIENT_AUTH,
        "    if which is None:",
        "    if secret == '':",
        f"{FALSE}::test_that_proves_no_client",
    ),
    Sabotage(
        "a secret that was taken out is still accepted",
        "idp/clients.py",
        "            if changed != self._stamp:",
        "            if self._stamp is None:",
        f"{GRANTS}::TestClientAuthentication::test_two_secrets_count_while_one_takes_the_others_place",
    ),
    Sabotage(
        "nobody is told that the older secret is still in use",
        CLIENT_AUTH,
        "{'older' if which else 'newer'}",
        "newer",
        f"{GRANTS}::TestClientAuthentication::test_two_secrets_count_while_one_takes_the_others_place",
    ),
    Sabotage(
        "a confidential client may come without its secret",
        CLIENT_AUTH,
        '    if (client.auth_method == "client_secret_basic") != (secret is not None):',
        '    if client.auth_method != "client_secret_basic" and secret is not None:',
        f"{GRANTS}::TestClientAuthentication::test_a_confidential_client_cannot_come_without_a_secret",
    ),
    Sabotage(
        "two proofs at once pass",
        CLIENT_AUTH,
        '    if shown not in ([], ["client_secret_basic"]):',
        '    if shown and "client_secret_basic" not in shown:',
        f"{FALSE}::test_that_proves_no_client",
    ),
    Sabotage(
        "a client that shows no ASCII is our failure",
        CLIENT_AUTH,
        "    except ValueError:",
        "    except UnicodeDecodeError:",
        f"{FALSE}::test_that_proves_no_client",
    ),
    Sabotage(
        "a secret may stand in the query",
        CLIENT_AUTH,
        '        "a secret in the query": "client_secret" in request.args,\n',
        "",
        f"{FALSE}::test_that_proves_no_client",
    ),
    Sabotage(
        "the body may name another client",
        CLIENT_AUTH,
        '    if request.form.get("client_id", client.client_id) != client.client_id:',
        "    if False:",
        f"{FALSE}::test_that_proves_no_client",
    ),
    Sabotage(
        "a certificate need not be the client's",
        CLIENT_AUTH,
        '    if client.auth_method == "tls_client_auth" and (reason := mtls.authenticate(client)):',
        '    if (reason := "") or client.auth_method == "":',
        f"{GRANTS}::TestMutualTls",
    ),
    Sabotage(
        "another service's certificate proves the client",
        "idp/mtls.py",
        '    return None if peer.name == client.client_id else f"the certificate names {peer.name}"',
        "    return None",
        f"{GRANTS}::TestMutualTls::test_another_services_certificate_is_refused",
    ),
    Sabotage(
        "who proves nothing is served as if they had",
        CLIENT_AUTH,
        "    if client.auth_method not in methods:",
        "    if not methods:",
        f"{KINDS}::TestIntrospection::test_a_public_client_proves_nothing_and_may_not_ask",
    ),
    Sabotage(
        "a client is told why it was refused",
        CLIENT_AUTH,
        "        super().__init__()\n        self.reason = reason\n",
        "        super().__init__(description=reason)\n        self.reason = reason\n",
        f"{GRANTS}::TestClientAuthentication::test_the_answer_does_not_tell_why",
    ),
    # clients
    Sabotage(
        "a redirect URI need only begin as registered",
        CLIENTS,
        "        return redirect_uri in self.redirect_uris",
        "        return any(redirect_uri.startswith(uri) for uri in self.redirect_uris)",
        f"{REQUESTS}::TestRedirectUris::test_it_is_no_place_to_lead_to",
    ),
    Sabotage(
        "a confidential client may choose its port",
        CLIENTS,
        ' if self.auth_method == "none" else None',
        "",
        f"{GRANTS}::TestNativeApp::test_a_confidential_client_keeps_to_its_port",
    ),
    Sabotage(
        "a client may ask for any scope",
        CLIENTS,
        " if self.scopes.issuperset(wanted) else None",
        "",
        f"{BROWSER}::TestRedirection::test_unknown_scopes_are_refused_at_the_door",
    ),
    Sabotage(
        "a redirect URI may be plain HTTP anywhere",
        CLIENTS,
        "        if not all(REDIRECT_URI.match(uri) for uri in self.redirect_uris):",
        "        if not all(self.redirect_uris):",
        "tests/test_idp_server.py::TestClients::test_a_registration_that_makes_no_sense_is_refused",
    ),
    Sabotage(
        "a changed secret counts only after a restart",
        CLIENTS,
        "            if self._looks.is_due():",
        "            if not self._clients:",
        "tests/test_idp_server.py::TestClients::test_a_change_counts_within_moments_though_not_each_request_looks",
    ),
    Sabotage(
        "each request looks at the file of clients",
        CLIENTS,
        "            if self._looks.is_due():",
        "            if self._path:",
        "tests/test_idp_server.py::TestClients::test_a_change_counts_within_moments_though_not_each_request_looks",
    ),
    Sabotage(
        "each signature looks at the files of the keys",
        "idp/keys.py",
        "        if at_once or self._looks.is_due():",
        "        if self._files:",
        "tests/test_idp_server.py::TestSigningKeys"
        "::test_a_change_counts_within_moments_though_not_each_signature_looks",
    ),
    Sabotage(
        "whoever asks for the keys may miss one that signs already",
        "idp/keys.py",
        "self.ring(at_once=True)",
        "self.ring()",
        "tests/test_idp_server.py::TestSigningKeys"
        "::test_whoever_asks_for_the_keys_gets_those_that_sign_already_at_another_worker",
    ),
    Sabotage(
        "whoever pulls a lever may see what was before",
        "idp/manage/levers.py",
        "LiveKeys(settings.data_dir, look_every=0)",
        "LiveKeys(settings.data_dir, look_every=60)",
        "tests/test_manage_levers.py",
    ),
    Sabotage(
        "a change of a file is not seen for ever",
        "services/following.py",
        "        self._next = now + self._every",
        "        self._next = now + 3600",
        "tests/test_following.py::TestLooks",
    ),
    Sabotage(
        "a client gets OpenID's scopes for itself",
        "idp/client_credentials.py",
        "        if scope is None or PROTOCOL_SCOPES.intersection(scope.split()):",
        "        if scope is None:",
        f"{GRANTS}::TestClientCredentials::test_other_scopes_are_refused",
    ),
    # authorize
    Sabotage(
        "an unregistered address is redirected to",
        AUTHORIZE,
        "    if len(redirect_uris) != 1 or not client.check_redirect_uri(redirect_uris[0]):",
        "    if len(redirect_uris) != 1:",
        f"{REQUESTS}::TestRedirectUris::test_it_is_no_place_to_lead_to",
    ),
    Sabotage(
        "tokens come by redirect",
        AUTHORIZE,
        '    if asked["response_type"] != "code":',
        '    if not asked["response_type"]:',
        f"{REQUESTS}::TestResponseTypes::test_no_other_is_offered",
    ),
    Sabotage(
        "the answer does not say who gave it",
        AUTHORIZE,
        '    response.location = add_params_to_uri(response.location, {"iss": provider.issuer})',
        "    response.location = str(response.location)",
        f"{BROWSER}::TestIssuerIdentification",
    ),
    Sabotage(
        "a request object is overlooked",
        AUTHORIZE,
        '    if "request" in asked:',
        "    if False:",
        f"{BROWSER}::TestRedirection::test_request_objects_are_refused_rather_than_ignored",
    ),
    Sabotage(
        "prompt=none shows a page",
        AUTHORIZE,
        '                raise OAuth2Error("The log-in that is asked for is not there.", error="login_required")',
        "                pass",
        f"{BROWSER}::TestOpenIDConnect::test_prompt_none_never_shows_a_page",
    ),
    Sabotage(
        "a path with two slashes leads to a shorter one",
        "services/routing.py",
        "merge_slashes=False",
        "merge_slashes=True",
        f"{REQUESTS}::TestOpenRedirector::test_not_by_a_path_that_could_be_written_shorter",
    ),
    # door
    Sabotage(
        "of a token request in chunks the beginning is obeyed",
        DOOR,
        "class ValuedRequest(BoundedRequest):",
        "class ValuedRequest(Request):",
        f"{GRANTS}::TestTokenEndpoint::test_a_huge_request_of_untold_length_is_refused_rather_than_cut_off",
    ),
    Sabotage(
        "of a repeated parameter the first counts",
        DOOR,
        "        if len(values) > 1 and name not in SEVERAL:",
        "        if not values:",
        f"{ATTACKS}::TestParametersThatComeTwice::test_are_refused",
    ),
    Sabotage(
        "a parameter without a value counts",
        "idp/app.py",
        "    request_class = ValuedRequest\n",
        "",
        "tests/test_idp_metadata.py::TestWithoutValue::test_what_is_optional_may_be_empty",
    ),
    Sabotage(
        "an empty one hides that a parameter comes twice",
        DOOR,
        ' if value or parameters.getlist(name) != [""])',
        " if value)",
        "tests/test_idp_metadata.py::TestWithoutValue::test_beside_another_of_its_name_it_counts",
    ),
    Sabotage(
        "control characters pass",
        DOOR,
        '        if CONTROL.search(name + "".join(values)):',
        "        if False:",
        f"{GRANTS}::TestTokenEndpoint::test_a_control_character_is_refused",
    ),
    Sabotage(
        "JSON passes for a form",
        DOOR,
        "    if request.mimetype != FORM:",
        "    if False:",
        f"{ATTACKS}::TestOddRequests::test_no_other_media_type_is_read",
    ),
    Sabotage(
        "parameters in the query count",
        DOOR,
        '        return request.form if request.method == "POST" else request.args',
        "        return request.values",
        f"{GRANTS}::TestTokenEndpoint::test_parameters_in_the_query_do_not_count",
    ),
    Sabotage(
        "a client without a certificate is registered for exchanges",
        "idp/clients.py",
        '        if self.auth_method != "tls_client_auth" and EXCHANGE in self.grant_types:',
        "        if False:",
        "tests/test_idp_server.py::TestClients::test_a_registration_that_makes_no_sense_is_refused",
    ),
)
