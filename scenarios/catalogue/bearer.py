"""Bearer tokens at a service."""

from __future__ import annotations

from scenarios.catalogue.row import row

ROWS = (
    row("BRR-01", "no credential at all",
      "bearer_patterns::TestChallenge::test_a_missing_credential_is_asked_for_without_an_error_code",
      "shop::test_nobody_gets_in_without_a_credential"),
    row("BRR-02", "an empty or malformed header", "headers::TestBearer::test_a_malformed_token_is_an_invalid_token"),
    row("BRR-04", "a token under another scheme",
      "bearer_patterns::TestCredentialsShown::test_a_good_token_under_another_scheme_is_none"),
    row("BRR-05", "two credentials", "headers::TestBearer::test_two_credentials_are_nobodys",
      "bearer_patterns::TestCredentialsShown::test_two_credentials_are_nobodys"),
    row("BRR-06", "a token in the query",
      "bearer_patterns::TestCredentialsShown::test_a_token_in_the_query_is_refused_even_beside_a_good_one"),
    row("BRR-07", "a token in another header", "headers::TestBearer::test_no_other_header_carries_a_token"),
    row("BRR-09", "a token without the scope",
      "bearer_patterns::TestChallenge::test_a_good_token_without_the_scope_is_called_insufficient"),
    row("BRR-10", "a token handed on to a service it was not meant for",
      "bearer_patterns::TestBadTokens::test_a_token_for_somebody_else_is_refused",
      "seam::test_what_was_meant_for_one_hop_is_of_no_use_on_another_where_the_pattern_says_so"),
)  # fmt: skip
