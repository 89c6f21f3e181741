"""The shop's own rules, and its stores."""

from __future__ import annotations

from scenarios.sabotages.sabotage import Sabotage

INVENTORY = "services/inventory.py"
BILLING = "services/billing.py"
CHECKOUT = "services/checkout.py"
ORDERS = "services/orders.py"
STORE = "services/store.py"
CHOICE = "compose/choice.py"
CONTAINERS = "compose/containers.py"
FACE = "compose/face.py"
LOCAL = "compose/local.py"
REMEMBER = "compose/remember.py"
DOWN = "tests/test_runtime_down.py"
REFUSALS = "tests/test_runtime_refusals.py"
PROCESSES = "tests/test_runtime_local.py"
ENGINE = "tests/test_runtime_engine.py"
OWNERS = "tests/test_runtime_owners.py"
OTHERS = "tests/test_checkout.py::TestTheOthers"

SABOTAGES = (
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
        '        peers.delete("inventory", f"/reservations/{order[\'id\']}")\n',
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
    # the commands
    Sabotage(
        "a shop that is up on other ports is accused of being ill",
        "compose/difference.py",
        "    elif elsewhere:\n",
        "    elif False:\n",
        f"{REFUSALS}::test_a_shop_that_is_up_on_other_ports_is_not_accused_of_being_ill",
    ),
    Sabotage(
        "thousands of digits are read as a number",
        "compose/ports.py",
        " and len(text) <= len(str(highest))",
        "",
        f"{REFUSALS}::test_a_port_base_that_is_no_port_is_refused",
    ),
    Sabotage(
        "what has no container is stopped, to be started again",
        CONTAINERS,
        "            self._container(name)  # before",
        "            pass  # before",
        f"{ENGINE}::test_none_is_stopped_where_one_could_not_be_started_again",
    ),
    Sabotage(
        "a silent engine is taken for one that says nothing runs",
        CONTAINERS,
        "engine.trouble() and not self.dir.exists()",
        "engine.trouble()",
        f"{ENGINE}::test_where_the_engine_does_not_answer_that_is_said",
    ),
    Sabotage(
        "whatever the engine could not say counts as nothing",
        "compose/engine.py",
        "        if answer.returncode == 0:\n            return answer.stdout\n",
        "        return answer.stdout\n",
        f"{ENGINE}::test_where_the_engine_does_not_answer_that_is_said",
    ),
    Sabotage(
        "what could not be removed is said to be gone",
        REMEMBER,
        "    if directory.exists():\n",
        "    if False:\n",
        f"{OWNERS}::test_a_directory_that_stays_is_not_said_to_be_gone",
    ),
    Sabotage(
        "a shop that another user runs loses its files",
        LOCAL,
        "        if others:\n",
        "        if False:\n",
        f"{OWNERS}::test_a_shop_that_another_user_runs_stays_whole",
    ),
    Sabotage(
        "where we may not look nothing is up",
        CHOICE,
        "    if root.is_dir() and not os.access(root, os.R_OK | os.W_OK | os.X_OK):\n",
        "    if False:\n",
        f"{OWNERS}::test_where_others_keep_their_shops_nothing_is_said_to_be_up_or_gone",
    ),
    Sabotage(
        "what has been ended is restarted",
        FACE,
        "            if remember.shop(self.dir) is None:\n",
        "            if False:\n",
        f"{PROCESSES}::test_a_restart_after_another_has_ended_the_shop_is_refused",
    ),
    Sabotage(
        "a no opens the management door",
        CHOICE,
        "    return word.lower() in YES",
        '    return word not in {"", "0"}',
        f"{REFUSALS}::test_the_management_door_is_opened_by_a_yes_alone",
    ),
    Sabotage(
        "whatever else is said of the management door counts as a no",
        CHOICE,
        "    if word.lower() not in YES | NO:",
        "    if False:",
        f"{REFUSALS}::test_neither_yes_nor_no_to_the_management_door_is_refused",
    ),
    Sabotage(
        "make down ends a shop that it was not asked to end",
        CHOICE,
        "        if name in known or parts is None",
        "        if parts is None",
        f"{DOWN}::test_where_the_shop_meant_is_not_up_the_others_stay_and_are_named",
    ),
    Sabotage(
        "make down ends what is left over on other ports",
        CHOICE,
        "        if chosen and chosen.gateway != taken.gateway:",
        "        if False:",
        f"{DOWN}::test_what_is_left_over_is_ended_and_where_ports_are_named_only_there",
    ),
    Sabotage(
        "a shop that has just come up is taken for left over",
        FACE,
        "            left_over = remember.shop(self.dir) is None\n",
        "            left_over = True\n",
        f"{DOWN}::test_a_shop_that_another_is_just_bringing_up_is_not_left_over",
    ),
)
