"""The identity provider's pages, who is logged in, and what it publishes."""

from __future__ import annotations

from scenarios.sabotages.sabotage import Sabotage

SESSIONS = "idp/sessions.py"
LOGIN = "idp/login.py"
LOGOUT = "idp/logout.py"
USERINFO = "idp/userinfo.py"
BROWSER = "tests/test_idp_browser.py"
LOGINS = "tests/test_idp_attacks_login.py"
KINDS = "tests/test_idp_tokens.py"

SABOTAGES = (
    # the log-in, its session, and logging out
    Sabotage(
        "a log-in needs no form of ours",
        LOGIN,
        "    if not sessions.csrf_token_matches():",
        "    if False:",
        f"{LOGINS}::TestPlantedLogIn::test_a_forged_form_logs_nobody_in",
    ),
    Sabotage(
        "another browser's form passes",
        SESSIONS,
        "    return bool(expected) and hmac.compare_digest(expected.encode(), ",
        "    return bool(expected) and bool(",
        f"{LOGINS}::TestPlantedLogIn::test_a_forged_form_logs_nobody_in",
    ),
    Sabotage(
        "a person may be called like a client",
        LOGIN,
        "    if current_provider().clients.get(user.name):",
        "    if False:",
        f"{BROWSER}::TestLogin::test_a_person_called_like_a_client_is_refused",
    ),
    Sabotage(
        "the password is sent on",
        LOGIN,
        "    return flask.redirect(f\"{flask.url_for('authorize.authorize')}?{urlencode(asked)}\", 303)",
        "    return flask.redirect(f\"{flask.url_for('authorize.authorize')}?{urlencode(asked)}\", 307)",
        f"{LOGINS}::TestRedirectsAfterTheLogIn::test_a_post_is_answered_with_see_other",
    ),
    Sabotage(
        "who is not the person that a hint means is asked for ever",
        LOGIN,
        '    if "id_token_hint" in flask.request.args:',
        "    if False:",
        f"{BROWSER}::TestOpenIDConnect::test_when_another_person_logs_in_than_the_hint_means_the_client_is_told",
    ),
    Sabotage(
        "a guesser is not slowed down",
        LOGIN,
        "Guesses(per_name=PER_PERSON, ",
        "Guesses(per_name=PER_ADDRESS, ",
        f"{LOGINS}::TestBruteForce::test_who_is_slowed_down_is_told_for_how_long",
    ),
    Sabotage(
        "many names may be tried from one address",
        LOGIN,
        "per_address=PER_ADDRESS)",
        "per_address=PER_ADDRESS * 2)",
        f"{BROWSER}::TestLogin::test_stuffing_many_names_is_slowed_down_too",
    ),
    Sabotage(
        "a log-in lasts for ever",
        SESSIONS,
        "    if row is None or row.expires <= provider.clock():",
        "    if row is None:",
        f"{BROWSER}::TestLogin::test_a_log_in_ends_after_eight_hours",
    ),
    Sabotage(
        "a log-in outlasts a new password",
        SESSIONS,
        "    if user is None or user.version != row.user_version:",
        "    if user is None:",
        f"{BROWSER}::TestLogin::test_a_log_in_ends_when_the_person_changes",
    ),
    Sabotage(
        "the session of before the log-in is the one after",
        SESSIONS,
        "    provider.store.sweep(now)\n    flask.session.clear()\n",
        "    provider.store.sweep(now)\n",
        f"{LOGINS}::TestPlantedLogIn::test_the_forms_token_of_before_the_log_in_is_worth_nothing_after_it",
    ),
    Sabotage(
        "logging out leaves what was allowed",
        SESSIONS,
        "        connection.execute(authorizations.update().where(mine).values(revoked=True))\n",
        "",
        f"{BROWSER}::TestLogout::test_what_was_allowed_in_the_session_is_taken_back",
    ),
    Sabotage(
        "anybody's link logs a person out",
        LOGOUT,
        "    if login is not None and login.user.name != subject:",
        "    if login is not None and subject and login.user.name != subject:",
        f"{BROWSER}::TestLogout::test_without_an_id_token_the_person_is_asked",
    ),
    Sabotage(
        "logging out leads anywhere",
        LOGOUT,
        "    if client is None or uri not in client.post_logout_redirect_uris:",
        "    if client is None:",
        f"{BROWSER}::TestLogout::test_the_way_back_must_be_registered_to_the_letter",
    ),
    Sabotage(
        "a form of elsewhere logs a person out",
        LOGOUT,
        "    if not sessions.csrf_token_matches():",
        "    if False:",
        f"{BROWSER}::TestLogout::test_a_forged_confirmation_is_refused",
    ),
    Sabotage(
        "scripts can read the cookie",
        "idp/app.py",
        "        SESSION_COOKIE_HTTPONLY=True,",
        "        SESSION_COOKIE_HTTPONLY=False,",
        f"{LOGINS}::TestCookies::test_it_is_well_guarded",
    ),
    Sabotage(
        "the cookie goes over plain HTTP",
        "idp/app.py",
        "        SESSION_COOKIE_SECURE=True,",
        "        SESSION_COOKIE_SECURE=False,",
        f"{LOGINS}::TestCookies::test_it_is_well_guarded",
    ),
    Sabotage(
        "the cookie comes with a form from elsewhere",
        "idp/app.py",
        '        SESSION_COOKIE_SAMESITE="Lax",\n',
        "",
        f"{LOGINS}::TestCookies::test_it_is_well_guarded",
    ),
    Sabotage(
        "a neighbour can plant a cookie",
        "idp/settings.py",
        'f"__Host-idp-',
        'f"idp-',
        f"{LOGINS}::TestCookies::test_it_is_well_guarded",
    ),
    # pages, userinfo, metadata, keys
    Sabotage(
        "a page can be framed",
        "idp/answers.py",
        "frame-ancestors 'none'; ",
        "",
        "tests/test_idp_attacks_pages.py::TestFraming::test_it_is_shown_in_no_frame_and_runs_nothing",
    ),
    Sabotage(
        "a token without openid opens the person's claims",
        USERINFO,
        '    if "openid" not in token.scope.split():',
        "    if False:",
        f"{KINDS}::TestUserInfo::test_without_openid_the_scope_is_insufficient",
    ),
    Sabotage(
        "the log-in page repeats what it was sent",
        LOGIN,
        "problem=problem, ",
        'problem=problem or flask.request.args.get("state"), ',
        "tests/test_idp_attacks_pages.py::TestReflectedInput::test_nor_does_one_that_is_shown_whatever_else_was_asked",
    ),
    Sabotage(
        "a token may come in two ways at once",
        USERINFO,
        '    if "access_token" in flask.request.args or "access_token" in flask.request.form:',
        "    if False:",
        f"{KINDS}::TestUserInfo::test_one_that_comes_in_two_ways_is_an_invalid_request",
    ),
    Sabotage(
        "another scheme passes for a wrong token",
        USERINFO,
        '    if shown.partition(" ")[0].lower() != "bearer":',
        "    if not shown:",
        f"{KINDS}::TestUserInfo::test_another_scheme_is_answered_with_a_bare_challenge",
    ),
    Sabotage(
        "a token for a service opens the person's claims",
        USERINFO,
        " or token.act is not None:",
        ":",
        "tests/test_idp_attacks_tokens.py::TestMisusedAtUserInfo::test_nor_does_one_that_was_exchanged_for_a_service",
    ),
    Sabotage(
        "the metadata offers what there is not",
        "idp/metadata.py",
        '        "response_types_supported": ["code"],',
        '        "response_types_supported": ["code", "token"],',
        "tests/test_idp_metadata.py::TestFrontChannel::test_response_types",
    ),
    Sabotage(
        "the metadata names grants that nobody is registered for",
        "idp/metadata.py",
        " if any(client.check_grant_type(grant) for client in clients)]",
        "]",
        "tests/test_idp_metadata.py::TestOfThoseWhoAreRegistered",
    ),
    Sabotage(
        "the metadata names proofs that nobody is asked for",
        "idp/metadata.py",
        "[method for method in AUTH_METHODS if method in registered]",
        "AUTH_METHODS",
        "tests/test_idp_metadata.py::TestOfThoseWhoAreRegistered",
    ),
    Sabotage(
        "no certificate is asked for though a client proves itself by one",
        "idp/serve.py",
        '"optional" if by_certificate else "none"',
        '"none"',
        "tests/test_idp_metadata.py::TestClientAuthentication"
        "::test_a_certificate_is_asked_for_as_soon_as_a_client_is_registered_for_one",
    ),
    Sabotage(
        "the private keys are published",
        "idp/keys.py",
        "key.as_dict(private=False)",
        "key.as_dict(private=True)",
        f"{KINDS}::TestKeys::test_only_public_halves_of_signature_keys_are_published",
    ),
    Sabotage(
        "everybody can read the signing keys",
        "idp/key_files.py",
        "os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)",
        "os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)",
        "tests/test_idp_server.py::TestSigningKeys::test_they_are_made_once_and_for_us_alone",
    ),
    Sabotage(
        "a key that was withdrawn still verifies",
        "idp/keys.py",
        "            if files != self._files:",
        "            if files > self._files:",
        "tests/test_idp_server.py::TestSigningKeys::test_every_worker_sees_by_itself_that_they_changed",
    ),
    Sabotage(
        "of two changes of the keys within a tick the second is not seen",
        "idp/keys.py",
        "changed if settled else 0",
        "changed",
        "tests/test_idp_server.py::TestSigningKeys::test_a_change_is_seen_though_it_bears_the_time_of_the_one_before",
    ),
)
