"""The application around the patterns: the guard, errors, bodies, settings and the log."""

from __future__ import annotations

from scenarios.sabotages.sabotage import Sabotage

APP = "services/app.py"
ROUTING = "services/routing.py"
PROBLEMS = "services/problems.py"
BODIES = "services/bodies.py"
SETTINGS = "services/settings.py"
AUDIT = "services/audit.py"
GUARD = "tests/test_app.py::TestTheGuard"

SABOTAGES = (
    # app
    Sabotage(
        "a view that declares nothing is served",
        APP,
        "    if undeclared:\n",
        "    if False:\n",
        f"{GUARD}::test_a_view_that_declares_nothing_keeps_the_service_from_starting",
    ),
    Sabotage(
        "no view asks who is there",
        APP,
        "    app.before_request(_guarded(app.view_functions, authenticate or guard.authenticate))\n",
        "",
        f"{GUARD}::test_no_view_runs_for_whom_the_pattern_refuses",
    ),
    Sabotage(
        "the policy is not asked",
        APP,
        "authorized_by=policy.authorize(found, view.requires))",
        'authorized_by="nothing")',
        f"{GUARD}::test_no_view_runs_for_whom_the_policy_refuses",
    ),
    Sabotage(
        "a view may require what nobody has written down",
        APP,
        "    policy.POLICY[operation]  #",
        "    policy.POLICY.get(operation)  #",
        f"{GUARD}::test_a_view_cannot_require_what_is_not_in_the_table",
    ),
    Sabotage(
        "strangers learn which paths there are",
        APP,
        "        if view is not None and view.requires is None:",
        "        if view is None or view.requires is None:",
        f"{GUARD}::test_a_path_that_leads_nowhere_says_so_only_to_whom_is_known",
    ),
    Sabotage(
        "of a body in chunks the beginning is obeyed",
        "services/bounded.py",
        "        if len(octets) > most:\n            raise RequestEntityTooLarge\n",
        "        octets = octets[:most]\n",
        "tests/test_app.py::TestProblemDocuments::test_a_body_of_untold_length_is_not_cut_off",
    ),
    Sabotage(
        "a body that was cut off on its way is obeyed",
        "services/bounded.py",
        "        if told is not None and len(octets) < told:",
        "        if False:",
        "tests/test_app.py::TestProblemDocuments::test_a_body_that_ends_early_is_not_obeyed",
    ),
    Sabotage(
        "a path has two spellings",
        ROUTING,
        "merge_slashes=False",
        "merge_slashes=True",
        "tests/test_orders.py::test_a_path_has_one_spelling",
    ),
    Sabotage(
        "what a client chose is kept for ever",
        ROUTING,
        " and not rule.arguments",
        " or rule.arguments",
        "tests/test_routing.py::test_what_a_client_may_choose_is_not_kept",
    ),
    Sabotage(
        "another method of a path does what the first did",
        ROUTING,
        "        asked = self.path_info, self.default_method",
        '        asked = self.path_info, "GET"',
        "tests/test_routing.py::test_each_method_of_a_path_has_a_view_of_its_own",
    ),
    Sabotage(
        "a redirect leads to whatever host was named",
        ROUTING,
        "        return Search(self.url_map, self._host,",
        "        return Search(self.url_map, request.host,",
        "tests/test_routing.py::test_the_host_that_a_request_names_has_no_say",
    ),
    Sabotage(
        "a request without a host, or with two, is served",
        APP,
        '        if not host or "," in host:',
        "        if False:",
        "tests/test_app.py::TestTheHost",
    ),
    Sabotage(
        "a request for another host is served",
        APP,
        '            if re.sub(r":\\d{1,5}\\Z", "", named).lower() not in ours:',
        "            if False:",
        "tests/test_app.py::TestTheHost::test_a_request_for_somebody_else_is_misdirected",
    ),
    Sabotage(
        "the target's host is not looked at",
        APP,
        "        for named in (host, absolute or host):",
        "        for named in (host,):",
        "tests/test_app.py::TestTheHost::test_in_absolute_form_the_targets_host_counts",
    ),
    Sabotage(
        "a body may be of any size",
        APP,
        "MAX_CONTENT_LENGTH=MAX_BODY, ",
        "",
        "tests/test_app.py::TestProblemDocuments",
    ),
    Sabotage(
        "answers are kept by caches",
        APP,
        '    response.headers.setdefault("Cache-Control", "no-store")\n',
        "",
        "tests/test_app.py::TestProblemDocuments::test_no_answer_is_kept_by_a_cache_or_guessed_at",
    ),
    # problems
    Sabotage(
        "the caller is told why",
        PROBLEMS,
        "        response = problem(refusal.status, refusal.title)\n",
        "        response = problem(refusal.status, refusal.title, detail=refusal.reason)\n",
        "tests/test_app.py::TestProblemDocuments::test_the_reason_of_a_refusal_stays_with_us",
    ),
    Sabotage(
        "a 401 asks for nothing",
        PROBLEMS,
        '            response.headers["WWW-Authenticate"] = offered',
        "            pass",
        "tests/test_app.py::test_a_refusal_carries_exactly_the_challenge_that_is_due",
    ),
    Sabotage(
        "a bug tells the caller what it is",
        PROBLEMS,
        '        return problem(500, "Internal Server Error")',
        '        return problem(500, "Internal Server Error", detail=repr(error))',
        "tests/test_app.py::TestProblemDocuments::test_a_bug_is_told_to_the_log_and_to_nobody_else",
    ),
    # bodies
    Sabotage(
        "members that nobody knows are overlooked",
        BODIES,
        'extra="forbid"',
        'extra="ignore"',
        "tests/test_bodies.py::test_json_that_breaks_the_rules_is_422",
    ),
    Sabotage(
        "a number may be a string",
        BODIES,
        "ConfigDict(strict=True, ",
        "ConfigDict(",
        "tests/test_bodies.py::test_json_that_breaks_the_rules_is_422",
    ),
    Sabotage(
        "a quantity may be negative",
        BODIES,
        "Quantity = Annotated[int, Field(ge=1, le=100)]",
        "Quantity = Annotated[int, Field(le=100)]",
        "tests/test_bodies.py::test_json_that_breaks_the_rules_is_422",
    ),
    Sabotage(
        "a form passes for JSON",
        BODIES,
        'if flask.request.mimetype != "application/json" or flask.request.content_encoding:',
        "if flask.request.content_encoding:",
        "tests/test_bodies.py::test_another_media_type_is_415",
    ),
    Sabotage(
        "an order needs no Idempotency-Key",
        BODIES,
        "    if not (1 <= len(key) <= 128 ",
        "    if not (len(key) <= 128 ",
        "tests/test_bodies.py::TestTheIdempotencyKey::test_anything_else_is_400",
    ),
    # settings
    Sabotage(
        "a misspelt setting is overlooked",
        SETTINGS,
        "    if strangers:\n",
        "    if False:\n",
        "tests/test_settings.py::test_a_misspelt_name_is_refused_and_its_value_not_echoed",
    ),
    Sabotage(
        "peers are called in the clear",
        SETTINGS,
        "        if not all(url.startswith(scheme) for url in self.peers.values()):",
        "        if not scheme:",
        "tests/test_settings.py::test_peers_are_reached_as_the_pattern_needs",
    ),
    # audit
    Sabotage(
        "a credential that is not ASCII breaks the line about it",
        AUDIT,
        "    except ValueError:  # not base64",
        "    except UnicodeDecodeError:  # not base64",
        "tests/test_app.py::TestTheAuditLine::test_it_says_what_was_presented_and_never_the_secret",
    ),
    Sabotage(
        "a password stands in the log",
        AUDIT,
        '        return f"Basic {_user_id(rest)}:***"',
        '        return f"Basic {rest}"',
        "tests/test_app.py::TestTheAuditLine::test_it_says_what_was_presented_and_never_the_secret",
    ),
    Sabotage(
        "a token stands in the log",
        AUDIT,
        '        return f"Bearer {fingerprint(rest)}"',
        '        return f"Bearer {rest}"',
        "tests/test_app.py::TestTheAuditLine::test_it_says_what_was_presented_and_never_the_secret",
    ),
    Sabotage(
        "anything passes for a trace",
        AUDIT,
        'TRACEPARENT = re.compile(r"\\A00-(?!0{32})([0-9a-f]{32})',
        'TRACEPARENT = re.compile(r"\\A00-([0-9a-f]{32})',
        "tests/test_app.py::TestTheTrace::test_anything_else_is_not",
    ),
    Sabotage(
        "strangers choose the trace at the edge",
        APP,
        "trust_caller=not at_edge)",
        "trust_caller=True)",
        "tests/test_app.py::TestTheTrace::test_at_the_edge_none_is_joined_and_the_answer_names_ours",
    ),
    Sabotage(
        "a refusal is not written down",
        PROBLEMS,
        '        audit.note(decision="deny", reason=refusal.reason)\n',
        "",
        "tests/test_app.py::TestTheAuditLine",
    ),
)
