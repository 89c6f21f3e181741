"""The application around the patterns: the guard, errors, bodies, the shop's own rules, its stores and its log."""

from __future__ import annotations

from scenarios.sabotages.sabotage import Sabotage

APP = "services/app.py"
PROBLEMS = "services/problems.py"
BODIES = "services/bodies.py"
INVENTORY = "services/inventory.py"
BILLING = "services/billing.py"
CHECKOUT = "services/checkout.py"
ORDERS = "services/orders.py"
STORE = "services/store.py"
SETTINGS = "services/settings.py"
AUDIT = "services/audit.py"
GUARD = "tests/test_app.py::TestTheGuard"
OTHERS = "tests/test_checkout.py::TestTheOthers"

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
        "    app.before_request(_guarded(authenticate or guard.authenticate))\n",
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
        "a path has two spellings",
        APP,
        "    app.url_map.merge_slashes = False",
        "    app.url_map.merge_slashes = True",
        "tests/test_orders.py::test_a_path_has_one_spelling",
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
    # inventory
    Sabotage(
        "more is sold than there is",
        INVENTORY,
        "items.update().where(items.c.sku == wanted.sku, items.c.stock >= wanted.quantity)",
        "items.update().where(items.c.sku == wanted.sku, items.c.stock >= 0)",
        "tests/test_checkout.py::TestOneOrder::test_without_enough_it_is_rejected_and_nothing_is_charged",
    ),
    Sabotage(
        "the store would take less than nothing",
        INVENTORY,
        'sa.CheckConstraint("stock >= 0"), ',
        "",
        f"{OTHERS}::test_the_store_itself_refuses_less_than_nothing",
    ),
    Sabotage(
        "another user's reservation can be had",
        INVENTORY,
        '    if made["user"] != user or made["status"] == "released":',
        '    if made["status"] == "released":',
        f"{OTHERS}::test_another_users_reservation_can_neither_be_had_nor_released",
    ),
    Sabotage(
        "another user's reservation can be released",
        INVENTORY,
        '    if known is None or known["user"] != user:',
        "    if known is None:",
        f"{OTHERS}::test_another_users_reservation_can_neither_be_had_nor_released",
    ),
    Sabotage(
        "goods are put back twice",
        INVENTORY,
        ', reservations.c.status == "held")',
        ")",
        "tests/test_checkout.py::TestKilledInBetween::test_a_declined_one_loses_no_goods",
    ),
    Sabotage(
        "an order asked for twice takes the goods twice",
        INVENTORY,
        "    if known is not None:\n        return known\n",
        "",
        "tests/test_checkout.py::TestKilledInBetween::test_a_good_order_comes_to_be_once",
    ),
    # billing
    Sabotage(
        "an order is charged again, for another amount",
        BILLING,
        ' or known["amount"] != wanted.amount',
        "",
        f"{OTHERS}::test_an_order_has_one_charge",
    ),
    Sabotage(
        "another user's charge counts as one's own",
        BILLING,
        '    if known["user"] != user or ',
        "    if ",
        f"{OTHERS}::test_an_order_has_one_charge",
    ),
    Sabotage(
        "what was refunded is charged again",
        BILLING,
        ' or known["status"] == "refunded":',
        ":",
        f"{OTHERS}::test_what_was_refunded_is_not_charged_again",
    ),
    Sabotage(
        "the store would take a second charge",
        BILLING,
        'sa.Column("order", sa.String(32), nullable=False, unique=True)',
        'sa.Column("order", sa.String(32), nullable=False)',
        f"{OTHERS}::test_the_store_itself_refuses_a_second_charge",
    ),
    Sabotage(
        "what was never paid is given back",
        BILLING,
        '    if found["status"] == "declined":',
        "    if False:",
        f"{OTHERS}::test_a_declined_charge_is_not_given_back",
    ),
    Sabotage(
        "the bank takes any sum",
        BILLING,
        'status = "paid" if wanted.amount <= LIMIT else "declined"',
        'status = "paid"',
        "tests/test_checkout.py::TestOneOrder::test_a_declined_charge_puts_the_goods_back",
    ),
    # checkout and orders
    Sabotage(
        "a key means any order",
        CHECKOUT,
        '    if order["fingerprint"] != fingerprint:',
        "    if False:",
        "tests/test_checkout.py::TestOneOrder::test_another_body_under_the_same_key_is_422_and_changes_nothing",
    ),
    Sabotage(
        "another user's key means one's own order",
        CHECKOUT,
        "sa.select(orders).where(orders.c.user == user, orders.c.key == key)",
        "sa.select(orders).where(orders.c.key == key)",
        "tests/test_checkout.py::TestOneOrder::test_another_key_or_another_user_is_another_order",
    ),
    Sabotage(
        "an outage ends an order",
        CHECKOUT,
        "        if problem.status not in {404, 409}:",
        "        if problem.status < 400:",
        "tests/test_checkout.py::TestCutOff::test_a_refusal_that_decides_nothing_does_not_end_the_order",
    ),
    Sabotage(
        "an outage of the bank puts the goods back",
        CHECKOUT,
        "        if problem.status != 402:",
        "        if problem.status < 400:",
        "tests/test_checkout.py::TestCutOff::test_a_refusal_that_decides_nothing_does_not_end_the_order",
    ),
    Sabotage(
        "goods of a declined order are lost",
        CHECKOUT,
        "        peers.delete(\"inventory\", f\"/reservations/{order['id']}\")\n",
        "",
        "tests/test_checkout.py::TestOneOrder::test_a_declined_charge_puts_the_goods_back",
    ),
    Sabotage(
        "whoever is slow undoes what has come since",
        CHECKOUT,
        "orders.update().where(this, orders.c.status == before)",
        "orders.update().where(this)",
        "tests/test_checkout.py::TestRaces::test_whoever_was_slow_does_not_undo_what_has_come_since",
    ),
    Sabotage(
        "what was not paid is refunded",
        CHECKOUT,
        '    if order["status"] not in {"confirmed", "refunded"}:',
        "    if False:",
        "tests/test_checkout.py::TestRefunds::test_what_was_not_paid_is_not_refunded",
    ),
    Sabotage(
        "somebody else's look carries an order on",
        ORDERS,
        ' and order["user"] == identity().user:',
        ":",
        "tests/test_orders.py::test_supports_look_does_not_carry_an_order_on",
    ),
    Sabotage(
        "an order shows its key to whoever sees it",
        ORDERS,
        '"amount", "status", "charge")}',
        '"amount", "status", "charge", "key")}',
        "tests/test_checkout.py::test_an_order_says_nothing_of_what_is_inside",
    ),
    # store
    Sabotage(
        "two who read and then write turn each other away",
        STORE,
        'connection.exec_driver_sql("BEGIN IMMEDIATE")',
        'connection.exec_driver_sql("BEGIN")',
        "tests/test_store.py::test_many_who_read_and_then_write_at_once_lose_nothing",
    ),
    Sabotage(
        "a commit may be lost with the power",
        STORE,
        '"PRAGMA synchronous = FULL"',
        '"PRAGMA synchronous = NORMAL"',
        "tests/test_store.py::TestSQLite::test_a_commit_is_on_the_disk",
    ),
    Sabotage(
        "references lead nowhere",
        STORE,
        '        connection.execute("PRAGMA foreign_keys = ON")\n',
        "",
        "tests/test_store.py::TestSQLite::test_references_are_checked",
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
