"""How roots and intermediates give way to the next, and what became of those that did."""

from __future__ import annotations

from scenarios.sabotages.sabotage import Sabotage

AUTHORITY = "certs/authority.py"
INDEX = "certs/index.py"
ROLLING = "certs/rolling.py"
ROOT = "tests/test_certs_rolling.py::TestARoot"
INTERMEDIATE = "tests/test_certs_rolling.py::TestAnIntermediate"

SABOTAGES = (
    Sabotage(
        "a revoked intermediate is on no list",
        INDEX,
        "[*self.leaves, *self.authorities]",
        "[*self.leaves]",
        f"{INTERMEDIATE}::test_can_be_revoked_once_it_signs_no_longer",
    ),
    Sabotage(
        "each list names what others signed",
        INDEX,
        "            if each.issuer == issuer and each.revoked",
        "            if each.revoked",
        f"{INTERMEDIATE}::test_each_signs_the_list_of_its_own",
    ),
    Sabotage(
        "the intermediate that signs is revoked, and everybody with it",
        AUTHORITY,
        "            if any(each.name in signing for each in known):",
        "            if False:",
        f"{INTERMEDIATE}::test_can_be_revoked_once_it_signs_no_longer",
    ),
    Sabotage(
        "leaves of an intermediate that gave way stay",
        AUTHORITY,
        "        if leaf.issuer != index.signs or not",
        "        if not",
        f"{INTERMEDIATE}::test_gives_way_in_two_steps_and_nobody_is_refused",
    ),
    Sabotage(
        "a key signs that is no longer the one of its name",
        "certs/vault.py",
        "            if name in self._opened and self._opened[name].certificate == certificate:",
        "            if name in self._opened:",
        f"{INTERMEDIATE}::test_that_was_never_recorded_signs_nothing_when_another_got_its_name",
    ),
    Sabotage(
        "the key of a root that nobody trusts any more stays",
        "certs/vault.py",
        "                path.unlink(missing_ok=True)\n",
        "",
        f"{ROOT}::test_leaves_no_key_behind",
    ),
    Sabotage(
        "a root signs before everybody has it",
        ROLLING,
        "            if behind := _waits_for(ca, index, ca.now()):",
        "            if behind := [name for name in _waits_for(ca, index, ca.now()) if not name]:",
        f"{ROOT}::test_signs_nothing_before_everybody_has_it",
    ),
    Sabotage(
        "the old root goes while a leaf is under it",
        ROLLING,
        "        if late:\n",
        "        if False:\n",
        f"{ROOT}::test_is_trusted_while_a_leaf_is_under_it",
    ),
    Sabotage(
        "the old root stays trusted",
        ROLLING,
        "ca.sign_crl(index.trusting_one_root(), ca.now())",
        "ca.sign_crl(index, ca.now())",
        f"{ROOT}::test_what_it_vouched_for_is_believed_until_the_end_and_no_longer",
    ),
    Sabotage(
        "after a crash a new root signs without a list",
        ROLLING,
        "        yield ca.with_good_crl(index, ca.now())",
        "        yield index",
        f"{ROOT}::test_a_crash_anywhere_in_a_step_is_mended_by_taking_it_again",
    ),
    Sabotage(
        "two rotations get into each other's way",
        ROLLING,
        "        if index.rolling != kind or index.waiting is None or",
        "        if index.waiting is None or",
        "tests/test_certs_rolling.py::TestOneAtATime::test_another_kind_waits_its_turn",
    ),
    Sabotage(
        "a further intermediate passes for a new root",
        ROLLING,
        ' or (kind == "root" and not _root_waits(index)):',
        ":",
        "tests/test_certs_rolling.py::TestOneAtATime"
        "::test_an_intermediate_that_the_keeper_made_since_does_not_hide_that_the_old_root_has_to_go",
    ),
    Sabotage(
        "what is next is what would be refused",
        ROLLING,
        '    if index.rolling == "root":  #',
        '    if index.rolling == "root" and (_root_waits(index) or not index.waiting):  #',
        "tests/test_certs_rolling.py::TestOneAtATime"
        "::test_an_intermediate_that_the_keeper_made_since_does_not_hide_that_the_old_root_has_to_go",
    ),
    Sabotage(
        "what a crash left of the old root cannot be taken out any more",
        ROLLING,
        '        if _root_waits(index) or index.root.name == "root.1":',
        "        if _root_waits(index) or len(index.roots) == 1:",
        f"{ROOT}::test_a_crash_anywhere_in_a_step_is_mended_by_taking_it_again",
    ),
    Sabotage(
        "the intermediate runs out",
        ROLLING,
        "    return now >= half_life(signing) and",
        "    return now >= signing.not_after and",
        f"{INTERMEDIATE}::test_is_replaced_by_the_keeper_at_half_its_life",
    ),
    Sabotage(
        "the intermediate runs out unsaid while a new root waits",
        ROLLING,
        "    if _root_waits(index) and now >= half_life(signing):",
        "    if False:",
        f"{ROOT}::test_that_waits_for_its_step_too_long_makes_the_keeper_complain",
    ),
    Sabotage(
        "the keeper does not wait for handshakes that began before",
        ROLLING,
        " or now < waiting.issued + SETTLE:",
        ":",
        f"{INTERMEDIATE}::test_is_replaced_by_the_keeper_at_half_its_life",
    ),
    Sabotage(
        "the keeper does not wait for a reader that is behind",
        ROLLING,
        "    if _waits_for(ca, index, now):\n        return index, []\n",
        "",
        f"{INTERMEDIATE}::test_the_keeper_waits_for_a_reader_that_is_behind",
    ),
    Sabotage(
        "everybody waits for one reader until the intermediate has run out, and after",
        ROLLING,
        "    if not _root_waits(index) and now >= signing.not_after - (signing.not_after - signing.issued) / 4:",
        "    if False:",
        f"{INTERMEDIATE}::test_that_expired_while_the_next_waited_gives_way_at_once",
    ),
    Sabotage(
        "everybody waits for a reader whose leaf was revoked",
        ROLLING,
        "    return homes.behind((leaf for leaf in index.current() if not leaf.revoked), ca.trust(index))",
        "    return homes.behind(index.current(), ca.trust(index))",
        f"{INTERMEDIATE}::test_nobody_waits_for_a_reader_whose_leaf_was_revoked",
    ),
    Sabotage(
        "a root signs before everybody has it, because time is short",
        ROLLING,
        "    if not _root_waits(index) and now >= signing.not_after -",
        "    if now >= signing.not_after -",
        f"{ROOT}::test_signs_nothing_before_everybody_has_it_however_short_the_time",
    ),
    Sabotage(
        "the keeper replaces the root before clients have the new one",
        ROLLING,
        "    if waiting is None or _root_waits(index) or",
        "    if waiting is None or",
        f"{ROOT}::test_is_not_replaced_by_the_keeper_nor_does_it_take_the_next_step",
    ),
)
