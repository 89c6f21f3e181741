"""Faults."""

from __future__ import annotations

from scenarios.catalogue.row import row

ROWS = (
    row("FLT-01", "a service that is down", "peers::TestConnections::test_a_peer_that_is_not_there_is_503",
      "checkout::TestCutOff"),
    row("FLT-02", "a service that is slow", "peers::TestTime", "peers::TestWhoWaits"),
    row("FLT-03", "the identity provider down", "keys::TestOutage",
      "oauth::TestTransport::test_nobody_at_all_does_not_answer"),
    row("FLT-04", "the identity provider answering nonsense", "oauth::TestAnswers", "introspection::TestMembers"),
    row("FLT-05", "signing keys that rotate under load", measured=("rotation",)),
    row("FLT-06", "certificates that rotate under load", measured=("rotation",)),
    row("FLT-07", "clocks that differ",
      "access_token::TestTime::test_a_token_is_good_until_it_expires_give_or_take_the_leeway"),
    row("FLT-08", "processes killed at any moment", "checkout::TestKilledInBetween",
      "shop::test_what_was_ordered_survives_kill_and_restart"),
    row("FLT-09", "an answer lost after the work was done",
      "shop::test_an_order_that_was_cut_off_is_carried_on_under_its_key"),
    row("FLT-10", "a revocation list that is no longer renewed",
      "tls::TestTheListOfThoseTakenBack::test_an_outdated_list_keeps_everybody_out"),
    row("FLT-11", "a store that is full, locked or read-only",
      "store::TestSQLite::test_a_full_disk_is_an_outage_and_nothing_is_half_written",
      "store::TestSQLite::test_a_locked_store_is_an_outage_once_the_wait_is_over"),
    row("FLT-12", "a restart under load"),
    row("FLT-13", "the gateway breached"),
    row("FLT-14", "an hour of load"),
)  # fmt: skip
