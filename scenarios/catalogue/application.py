"""The application."""

from __future__ import annotations

from scenarios.catalogue.row import row

ROWS = (
    row("XC-01", "another customer's order", "shop::test_bob_does_not_see_alices_order",
      "policy::test_a_proven_person_sees_their_own_and_support_sees_all"),
    row("XC-02", "what only support may do", "shop::test_only_support_refunds",
      "policy::test_customers_may_not_refund_nor_read_what_is_others"),
    row("XC-03", "members that nobody asked for", "bodies::test_json_that_breaks_the_rules_is_422"),
    row("XC-04", "a deputy that acts by its own rights"),
    row("XC-05", "an order sent again", "shop::test_the_same_key_and_body_give_the_same_answer",
      "checkout::TestOneOrder::test_another_body_under_the_same_key_is_422_and_changes_nothing"),
    row("XC-06", "a race for the last one", "checkout::TestRaces::test_the_last_one_goes_to_one"),
    row("XC-07", "steps out of order", "checkout::TestRefunds::test_what_was_not_paid_is_not_refunded"),
    row("XC-08", "input that breaks out of its log line",
      "app::TestTheAuditLine::test_whatever_is_sent_stays_inside_its_one_line"),
    row("XC-09", "secrets in logs, arguments, environments and images",
      "shop::test_no_secret_is_in_a_command_line_an_environment_or_an_image",
      "shop::test_no_password_token_or_secret_is_in_any_log"),
    row("XC-10", "errors that tell too much",
      "app::TestProblemDocuments::test_a_bug_is_told_to_the_log_and_to_nobody_else",
      "server::test_an_answer_does_not_tell_the_servers_version"),
    row("XC-11", "bodies that are huge, deep, doubled or compressed", "bodies::test_what_is_not_json_is_400",
      "bodies::test_a_compressed_body_is_415", "app::TestProblemDocuments::test_an_oversized_body_is_413"),
    row("XC-12", "clients that are slow on purpose",
      "server::TestTLS::test_who_connects_and_says_nothing_keeps_nobody_else_out",
      "server::TestTLS::test_who_takes_too_long_over_a_handshake_or_a_head_is_hung_up_on",
      "server_slow::TestWhoIsSlow",
      "server_slow::TestWhoDoesNotHangUp::test_others_are_let_in_meanwhile"),
    row("XC-13", "quantities and names that make no sense", "bodies::test_json_that_breaks_the_rules_is_422",
      "bodies::test_whatever_is_sent_is_an_order_within_the_rules_or_a_problem"),
    row("XC-14", "one person asking for everything at once"),
    row("XC-15", "a refusal that nobody wrote down", "app::TestTheAuditLine::test_every_refusal_makes_one"),
    row("XC-16", "debugging and documentation reachable from outside"),
    row("XC-17", "packages that are not the ones that were locked",
      "runtime_refusals::test_packages_out_of_step_with_the_lock_are_named"),
    row("XC-18", "another service's answer, believed too easily", "peers::TestTheAnswer"),
)  # fmt: skip
