"""The CA: what it signs, whom it takes back, and how its files change under their readers."""

from __future__ import annotations

from scenarios.sabotages.sabotage import Sabotage

PROFILES = "certs/profiles.py"
NAMES = "certs/names.py"
AUTHORITY = "certs/authority.py"
FILES = "certs/files.py"
INDEX = "certs/index.py"
CERTS = "tests/test_certs.py"
X509 = "tests/test_certs_x509.py"

SABOTAGES = (
    Sabotage(
        "a leaf is a CA",
        PROFILES,
        "x509.BasicConstraints(ca=False, path_length=None)",
        "x509.BasicConstraints(ca=True, path_length=None)",
        f"{X509}::TestReadBack::test_a_leaf",
    ),
    Sabotage(
        "the root may have CAs two below it",
        PROFILES,
        "x509.BasicConstraints(ca=True, path_length=1)",
        "x509.BasicConstraints(ca=True, path_length=None)",
        f"{X509}::TestReadBack::test_the_root",
    ),
    Sabotage(
        "the intermediate signs further CAs",
        PROFILES,
        "x509.BasicConstraints(ca=True, path_length=0)",
        "x509.BasicConstraints(ca=True, path_length=None)",
        f"{X509}::TestCryptographyVerifies::test_nothing_that_our_intermediate_may_not_sign",
        also=(
            (
                PROFILES,
                "x509.BasicConstraints(ca=True, path_length=1)",
                "x509.BasicConstraints(ca=True, path_length=None)",
            ),
        ),
    ),
    Sabotage(
        "the intermediate vouches for any host",
        PROFILES,
        "    builder = builder.add_extension(names.bounds(hosts), critical=True)\n",
        "    names.bounds(hosts)\n",
        f"{X509}::TestCommandsVerify::test_nothing_that_our_intermediate_may_not_sign",
    ),
    Sabotage(
        "who does not know of bounds may pass over them",
        PROFILES,
        "names.bounds(hosts), critical=True",
        "names.bounds(hosts), critical=False",
        f"{X509}::TestReadBack::test_the_intermediate",
    ),
    Sabotage(
        "the intermediate vouches for addresses",
        NAMES,
        "[x509.IPAddress(net) for net in ANYWHERE])",
        "None)",
        f"{X509}::TestCommandsVerify::test_nothing_that_our_intermediate_may_not_sign",
    ),
    Sabotage(
        "an intermediate without bounds is made",
        NAMES,
        "    if not hosts:\n",
        "    if False:\n",
        f"{CERTS}::TestIssue::test_an_intermediate_that_could_vouch_for_any_host_is_not_made",
    ),
    Sabotage(
        "a CA has a name that leaves no room for the number of its tenth intermediate",
        AUTHORITY,
        "        names.check_authority(name)\n",
        "",
        "tests/test_certs_keep.py::TestCommands"
        "::test_a_name_with_no_room_for_a_number_is_refused_in_one_line_and_leaves_nothing",
    ),
    Sabotage(
        "a leaf is issued that no reader accepts",
        AUTHORITY,
        "        names.check_bounds(dns_names, index.hosts)\n",
        "",
        f"{CERTS}::TestIssue::test_a_host_that_no_reader_would_accept_is_refused",
    ),
    Sabotage(
        "a host that only ends like one of ours is ours",
        NAMES,
        'name.endswith(f".{host}")',
        "name.endswith(host)",
        f"{CERTS}::TestIssue::test_a_host_that_no_reader_would_accept_is_refused",
    ),
    Sabotage(
        "the intermediate is not sent along",
        AUTHORITY,
        "        chain = profiles.pem(certificate) + profiles.pem(issuer.certificate)",
        "        chain = profiles.pem(certificate)",
        f"{X509}::TestHandshakes::test_a_good_leaf_passes",
    ),
    Sabotage(
        "a leaf's key may sign certificates",
        PROFILES,
        "_key_usage(digital_signature=True)",
        "_key_usage(digital_signature=True, key_cert_sign=True)",
        f"{X509}::TestReadBack::test_a_leaf",
    ),
    Sabotage(
        "a leaf is for servers only",
        PROFILES,
        "[ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]",
        "[ExtendedKeyUsageOID.SERVER_AUTH]",
        f"{X509}::TestReadBack::test_a_leaf",
    ),
    Sabotage(
        "what is signed outlives who signed it",
        PROFILES,
        "    return min(now + life, until)",
        "    return now + life",
        f"{CERTS}::TestRenewal::test_a_leaf_cannot_outlive_the_root_and_is_not_renewed_for_nothing",
    ),
    Sabotage(
        "who has expired goes on signing",
        PROFILES,
        "    if until <= now:\n",
        "    if False:\n",
        f"{CERTS}::TestRenewal::test_an_expired_root_is_said_to_be_and_issues_nothing",
    ),
    Sabotage(
        "any name is signed",
        NAMES,
        '    if not re.fullmatch(r"[a-z][a-z0-9-]{0,62}", name):',
        "    if not name:",
        f"{CERTS}::TestIssue::test_a_name_that_is_not_a_service_name_is_refused",
    ),
    Sabotage(
        "a wildcard is signed",
        NAMES,
        "        if len(host) > 253 or not re.fullmatch(",
        "        if len(host) > 253 and not re.fullmatch(",
        f"{CERTS}::TestIssue::test_a_dns_name_that_is_not_one_host_is_refused",
    ),
    Sabotage(
        "any trust domain is signed",
        NAMES,
        '    if not re.fullmatch(r"[a-z0-9._-]{1,255}", trust_domain):',
        "    if not trust_domain:",
        f"{CERTS}::TestIssue::test_a_trust_domain_is_checked",
    ),
    Sabotage(
        "a lifetime may be nothing",
        PROFILES,
        "            if life < timedelta(seconds=1):",
        "            if False:",
        f"{CERTS}::TestOpening::test_a_lifetime_of_nothing_is_refused",
    ),
    Sabotage(
        "a revocation list names nobody",
        PROFILES,
        "        builder = builder.add_revoked_certificate(_entry(entry))",
        "        _entry(entry)",
        f"{X509}::TestHandshakes::test_a_revoked_leaf_is_refused",
    ),
    Sabotage(
        "a revocation list is good for ever",
        PROFILES,
        "        .next_update(now + lifetimes.crl)",
        "        .next_update(now + lifetimes.crl * 1000)",
        f"{X509}::TestHandshakes::test_with_an_expired_crl_nobody_is_let_in",
    ),
    Sabotage(
        "the serial number can be guessed",
        PROFILES,
        "x509.random_serial_number()",
        "int(now.timestamp() * 1e6)",
        f"{X509}::TestReadBack::test_serial_numbers_are_positive_random_and_short_enough",
    ),
    # authority and index
    Sabotage(
        "a second CA overwrites the first",
        AUTHORITY,
        '            if (directory / "index.json").exists():',
        "            if False:",
        f"{CERTS}::TestOpening::test_a_second_ca_does_not_overwrite_the_first",
    ),
    Sabotage(
        "revoking whom nobody knows says nothing",
        AUTHORITY,
        "            if not known:\n",
        "            if False:\n",
        f"{CERTS}::TestRevoke::test_an_unknown_name_is_an_error_and_signs_nothing",
    ),
    Sabotage(
        "a revoked leaf is renewed",
        AUTHORITY,
        "            if leaf.revoked or not leaf.into.is_dir()",
        "            if not leaf.into.is_dir()",
        f"{CERTS}::TestRenewal::test_a_revoked_leaf_is_not_renewed",
    ),
    Sabotage(
        "the revocation list runs out",
        AUTHORITY,
        "        if now >= index.crl_signed + index.lifetimes.crl / 4 or not",
        "        if not",
        f"{CERTS}::TestRenewal::test_the_crl_is_signed_again_after_a_quarter_of_its_life",
    ),
    Sabotage(
        "leaves run out",
        AUTHORITY,
        "        return now >= half_life(leaf) and (",
        "        return now >= leaf.not_after and (",
        f"{CERTS}::TestRenewal::test_a_leaf_is_renewed_at_half_its_life_and_not_before",
    ),
    Sabotage(
        "who issues at the same time is forgotten",
        AUTHORITY,
        "        with files.locked(self.directory):\n            yield self.index()",
        "        yield self.index()",
        f"{CERTS}::TestIssue::test_whoever_changes_anything_holds_the_lock_before_looking",
    ),
    Sabotage(
        "by name only the newest leaf is taken back",
        INDEX,
        "            each for each in alive if each.name == name_or_serial\n        ]",
        "            each for each in alive if each.name == name_or_serial\n        ][-1:]",
        f"{CERTS}::TestRevoke::test_by_name_every_leaf_that_could_still_be_shown_is_taken_back",
    ),
    Sabotage(
        "a revoked leaf leaves the list too early",
        INDEX,
        "and each.revoked and each.not_after >= self.crl_signed",
        "and each.revoked and each.not_after >= self.crl_signed + self.lifetimes.leaf",
        f"{CERTS}::TestRevoke::test_an_entry_stays_while_the_leaf_would_be_valid",
    ),
    Sabotage(
        "the number of the list does not rise",
        INDEX,
        "crl_number=self.crl_number + 1",
        "crl_number=self.crl_number",
        f"{CERTS}::TestPublish::test_the_number_rises_with_each_list",
    ),
    Sabotage(
        "readers get no list of the root's",
        INDEX,
        ", *others, *(root.name for root in self.roots)]",
        ", *others]",
        f"{X509}::TestHandshakes::test_a_good_leaf_passes",
    ),
    # files and the keeper
    Sabotage(
        "status is well though something ran out",
        "certs/status.py",
        "    return not any(state.startswith(TROUBLE) for",
        "    return True or any(state.startswith(TROUBLE) for",
        "tests/test_certs_keep.py::TestStatus::test_the_exit_code_says_whether_all_is_well",
    ),
    Sabotage(
        "everybody can read a key",
        FILES,
        "PUBLIC, SECRET = 0o644, 0o600",
        "PUBLIC, SECRET = 0o644, 0o644",
        f"{CERTS}::TestFiles::test_modes_do_not_depend_on_the_umask",
    ),
    Sabotage(
        "a directory that others can enter stays so",
        FILES,
        "    if stat.S_IMODE(directory.stat().st_mode) != 0o700:",
        "    if False:",
        f"{CERTS}::TestFiles::test_a_directory_that_others_could_enter_is_closed_to_them",
    ),
    Sabotage(
        "who reads meanwhile reads half a file",
        FILES,
        "            os.replace(fresh, target)",
        "            target.write_bytes(fresh.read_bytes())",
        f"{CERTS}::TestFiles::test_who_has_a_file_open_goes_on_reading_the_old_one",
    ),
    Sabotage(
        "what a killed writer left lends its mode to a key",
        FILES,
        "        os.fchmod(descriptor, mode)",
        "        os.fchmod(descriptor, 0o644)",
        f"{CERTS}::TestFiles",
    ),
    Sabotage(
        "status is well though a service has no key",
        "certs/status.py",
        "(homes.holds(leaf) and not homes.behind([leaf], trust))",
        "not homes.behind([leaf], trust)",
        "tests/test_certs_keep.py::TestStatus::test_a_file_that_is_missing_or_another_is_said",
    ),
    Sabotage(
        "status is well though a service has not heard of a revocation",
        "certs/status.py",
        "(homes.holds(leaf) and not homes.behind([leaf], trust))",
        "homes.holds(leaf)",
        "tests/test_certs_keep.py::TestStatus::test_a_revocation_that_was_not_delivered_is_said",
    ),
    Sabotage(
        "status looks while the CA delivers",
        "certs/status.py",
        "    with ca.changing():  # or",
        "    if True:  # or",
        "tests/test_certs_keep.py::TestStatus::test_it_waits_for_a_delivery_under_way",
    ),
    Sabotage(
        "the keeper looks so seldom that the CRL runs out in between",
        "certs/keeper.py",
        "    if period > (longest := _longest(ca.index().lifetimes)):",
        "    if (longest := _longest(ca.index().lifetimes)) < 0:",
        "tests/test_certs_keep.py::TestKeeper"
        "::test_it_refuses_to_look_so_seldom_that_something_would_run_out_in_between",
    ),
    Sabotage(
        "a round that failed is a sign of health",
        "certs/keeper.py",
        '        if all(event.event != "failed" for event in events):',
        "        if True:",
        "tests/test_certs_keep.py::TestKeeper::test_a_round_that_failed_is_no_sign_of_health",
    ),
    Sabotage(
        "a directory of two spellings gets a leaf under each, for ever",
        AUTHORITY,
        "into.resolve()",
        "into.absolute()",
        f"{CERTS}::TestRenewal::test_a_directory_of_two_spellings_is_one",
    ),
)
