"""The perimeter, and HTTP."""

from __future__ import annotations

from scenarios.catalogue.row import row

ROWS = (
    row("PER-01", "identity headers from outside", "shop::test_a_forged_user_header_at_the_edge_means_nothing",
      "server::TestHeadersThatAServerMightBelieve::test_none_names_a_user"),
    row("PER-02", "identity headers from inside",
      "password_patterns::TestPerimeter::test_whoever_is_inside_is_believed"),
    row("PER-03", "a service reached around the gateway",
      "seam::test_whoever_shows_nothing_good_is_refused_except_where_the_network_is_trusted"),
    row("PER-04", "traffic inside that can be read and changed"),
    row("PER-05", "spellings of a path that walk round a rule",
      "app::TestTheGuard::test_slashes_before_a_path_lead_round_nothing",
      "app::TestTheGuard::test_a_header_does_not_change_the_path"),
    row("PER-06", "messages that two readers read in two ways",
      "server::test_a_message_that_could_be_read_in_two_ways_is_not_read_at_all"),
    row("PER-07", "a host that is missing, doubled or foreign", "app::TestTheHost"),
    row("PER-08", "methods that are unknown or tunnelled",
      "app::TestTheGuard::test_a_method_that_is_not_offered_is_405_with_those_that_are",
      "app::TestTheGuard::test_a_header_does_not_change_the_method"),
    row("PER-09", "a service made to call an address of the attacker's",
      "peers::TestTheAnswer::test_a_redirect_is_not_followed"),
    row("PER-10", "other protocols on the same port",
      "server::TestHeadersThatAServerMightBelieve::test_the_proxy_protocol_is_not_spoken",
      "server::TestHeadersThatAServerMightBelieve::test_h2c_is_not_spoken"),
    row("PER-11", "one breached service that calls all others"),
    row("PER-12", "malformed header fields and versions",
      "server::test_a_message_that_could_be_read_in_two_ways_is_not_read_at_all"),
)  # fmt: skip
