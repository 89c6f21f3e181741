"""HTTP Basic."""

from __future__ import annotations

from scenarios.catalogue.row import row

ROWS = (
    row("BAS-01", "the challenge of a 401", "app::test_a_refusal_carries_exactly_the_challenge_that_is_due"),
    row("BAS-02", "malformed names and passwords, a trailing NUL", "headers::TestBasic",
      "users::test_a_control_character_never_verifies_even_if_it_was_stored"),
    row("BAS-04", "two credentials, in either order",
      "password_patterns::test_two_credentials_are_malformed_even_if_one_of_them_is_good"),
    row("BAS-05", "a name and password in the query",
      "password_patterns::test_credentials_in_the_query_are_not_looked_at"),
    row("BAS-06", "colons and UTF-8 in a password work",
      "password_patterns::TestBasic::test_colons_and_utf_8_are_good_in_a_password"),
    row("BAS-07", "telling who exists by time or answer",
      "users::test_anything_else_proves_nobody_at_the_price_of_one_slow_hash",
      "password_patterns::test_an_unknown_name_costs_a_slow_hash_as_a_known_one_does"),
    row("BAS-08", "guessing until one fits; locking the owner out", "password_patterns::TestGuesses"),
    row("BAS-09", "a password in a log or an error page", "shop::test_no_password_token_or_secret_is_in_any_log"),
    row("BAS-10", "a service that keeps the passwords that pass through it"),
    row("BAS-11", "a forwarded password allows everything its owner may do"),
    row("BAS-12", "a trusted service that names any user",
      "password_patterns::TestSubsystem::test_a_services_password_proves_the_service_and_it_says_who_the_user_is"),
    row("BAS-13", "a credential captured on a hop, and replayed"),
    row("BAS-14", "the old password after a change",
      "users::test_a_changed_password_counts_at_once",
      "password_patterns::TestSubsystem::test_a_rotated_password_counts_at_once"),
    row("BAS-15", "default passwords, or one service's used by another",
      "password_patterns::TestSubsystem::test_a_wrong_password_proves_nobody"),
)  # fmt: skip
