"""The gateway: people by their credentials or their sessions, pages, guesses, and logging in at the IdP."""

from __future__ import annotations

from scenarios.sabotages.sabotage import Sabotage

EDGE = "services/edge.py"
PAGES = "services/pages.py"
API = "services/api.py"
GUESSES = "services/guesses.py"
PARTY = "services/relying_party.py"
BROWSER = "tests/test_browser.py"
CALLBACK = "tests/test_callback.py"

SABOTAGES = (
    Sabotage(
        "a form needs no token of this browser",
        PAGES,
        "        if not expected or not hmac.compare_digest(sent.encode(), expected.encode()):",
        "        if expected and not sent and False:",
        f"{BROWSER}::test_a_form_from_elsewhere_does_nothing[local-basic]",
    ),
    Sabotage(
        "a browser without a session needs no token",
        PAGES,
        "        if not expected or not hmac",
        "        if expected and not hmac",
        f"{BROWSER}::test_logging_in_needs_the_form_of_this_browser[local-basic]",
    ),
    Sabotage(
        "the session of before the log-in is the one after",
        PAGES,
        '    audit.note(user=session.user, event="log-in")\n    _edge().sessions.close(flask.session.get("id"))\n',
        '    audit.note(user=session.user, event="log-in")\n',
        f"{BROWSER}::test_logging_in_again_ends_the_session_before[local-basic]",
    ),
    Sabotage(
        "scripts can read the cookie",
        PAGES,
        "        SESSION_COOKIE_HTTPONLY=True,",
        "        SESSION_COOKIE_HTTPONLY=False,",
        f"{BROWSER}::test_the_cookie_is_kept_from_scripts_neighbours_and_plain_http[local-basic]",
    ),
    Sabotage(
        "the cookie goes over plain HTTP",
        PAGES,
        "        SESSION_COOKIE_SECURE=True,",
        "        SESSION_COOKIE_SECURE=False,",
        f"{BROWSER}::test_the_cookie_is_kept_from_scripts_neighbours_and_plain_http[local-basic]",
    ),
    Sabotage(
        "a neighbour can plant a cookie",
        PAGES,
        'f"__Host-shop-{settings.port}"',
        'f"shop-{settings.port}"',
        f"{BROWSER}::test_the_cookie_is_kept_from_scripts_neighbours_and_plain_http[local-basic]",
    ),
    Sabotage(
        "a page can be framed",
        PAGES,
        "    app.after_request(_page_headers(settings))\n",
        "",
        f"{BROWSER}::test_every_answer_forbids_scripts_and_frames[local-basic-/]",
    ),
    Sabotage(
        "logging out leaves the session to a copied cookie",
        PAGES,
        'session = edge.sessions.close(flask.session.get("id"))',
        'session = edge.sessions.find(flask.session.get("id"))',
        f"{BROWSER}::test_logging_out_ends_the_session_for_a_copied_cookie_too[local-basic]",
    ),
    Sabotage(
        "the API believes a cookie",
        EDGE,
        '        if request.path.startswith("/api/"):',
        '        if request.path.startswith("/api/") and "Authorization" in request.headers:',
        f"{BROWSER}::test_the_api_does_not_look_at_cookies[local-basic]",
    ),
    Sabotage(
        "the gateway goes on showing a secret that was replaced",
        PARTY,
        '**{**kwargs, "client_secret": _secret(settings)}',
        "**kwargs",
        "tests/test_relying_party.py::test_a_changed_secret_is_shown_at_the_next_question",
    ),
    Sabotage(
        "a callback with a wrong state opens a session",
        PARTY,
        '            raise Unauthenticated(f"the log-in failed: {type(error).__name__}") from None',
        '            return Session("alice")',
        f"{BROWSER}::test_a_forged_callback_opens_no_session[local-jwt]",
    ),
    Sabotage(
        "of two codes in a callback the first counts",
        PARTY,
        "        if any(len(values) > 1 for _, values in flask.request.args.lists()):",
        "        if False:",
        f"{CALLBACK}::TestForgedCallback::test_a_second_code_beside_the_right_one_is_not_overlooked",
    ),
    Sabotage(
        "an answer of anybody's finishes the log-in",
        PARTY,
        '        if flask.request.args.get("iss") != self._settings.issuer:',
        "        if False:",
        f"{CALLBACK}::TestMixUp::test_no_code_goes_anywhere",
    ),
    Sabotage(
        "metadata of anybody's is gone by",
        PARTY,
        '        if self._known.get("issuer") != self._settings.issuer:',
        "        if False:",
        f"{CALLBACK}::TestMixUp::test_metadata_of_another_server_is_not_gone_by",
    ),
    Sabotage(
        "an answer without an ID token is somebody's",
        PARTY,
        '            raise Unauthenticated("the IdP sent no ID token")',
        '            return _keep(answer, Session("alice"))',
        f"{CALLBACK}::TestMixUp::test_an_answer_without_an_id_token_is_not_believed",
    ),
    Sabotage(
        "the gateway logs people in at whoever answers",
        "services/adapter.py",
        "            pool.ConnectionCls = self.connection\n",
        "            pass\n",
        "tests/test_oauth.py::TestLoggingIn::test_an_impostor_is_told_nothing",
    ),
    Sabotage(
        "another customer's order is shown at the edge",
        API,
        '    if not policy.may_see(identity(), order["user"], "orders:read:any"):',
        "    if False:",
        "tests/test_shop.py::test_bob_does_not_see_alices_order[local-mtls]",
    ),
    Sabotage(
        "another customer's order is shown by the service, where the person is proven",
        "services/orders.py",
        '    if found is None or not policy.may_see(identity(), found["user"], "orders:read:any"):',
        "    if found is None:",
        "tests/test_orders.py::test_somebody_elses_order_does_not_exist_where_the_person_is_proven",
    ),
    Sabotage(
        "anybody refunds at the edge",
        API,
        '@requires("orders:refund")',
        '@requires("orders:read")',
        "tests/test_shop.py::test_only_support_refunds[local-mtls]",
    ),
    Sabotage(
        "a guesser is not slowed down",
        GUESSES,
        "                    window.failures += wrong\n",
        "",
        "tests/test_password_patterns.py::TestGuesses::test_after_ten_failures_not_even_the_right_password_is_tried",
    ),
    Sabotage(
        "one password may be tried on everybody",
        GUESSES,
        "(address, name): self._per_name, (address,): self._per_address}",
        "(address, name): self._per_name}",
        "tests/test_password_patterns.py::TestGuesses::test_one_password_is_not_tried_on_everybody",
    ),
    Sabotage(
        "a guesser locks the owner out everywhere",
        GUESSES,
        "{(address, name): self._per_name, ",
        "{(name,): self._per_name, ",
        "tests/test_password_patterns.py::TestGuesses::test_the_owner_still_gets_in_from_elsewhere_and_others_from_there",
    ),
    Sabotage(
        "who guesses many times at once is not slowed down",
        GUESSES,
        "                if all(window.failures + window.trying < most for window, most in windows):",
        "                if all(window.failures < most for window, most in windows):",
        "tests/test_password_patterns.py::TestGuesses::test_guesses_made_at_once_count_like_guesses_in_a_row",
    ),
    Sabotage(
        "each spelling of a name has guesses of its own",
        GUESSES,
        "        name = normal(name)[:64]",
        "        name = name[:64]",
        "tests/test_password_patterns.py::TestGuesses::test_one_name_in_two_spellings_has_one_count",
    ),
    Sabotage(
        "one person may have the whole gateway",
        "services/shares.py",
        "            if self._under_way[person] >= MOST:",
        "            if False:",
        "tests/test_shares.py::TestShares::test_one_person_gets_so_many_at_a_time",
    ),
    Sabotage(
        "a share that was taken is taken for good",
        "services/shares.py",
        '        if "share" in flask.g:',
        "        if False:",
        "tests/test_shares.py::TestRequests::test_every_request_gives_its_part_back_however_it_ends",
    ),
)
