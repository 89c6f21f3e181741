"""The user store, and the passwords in it."""

from __future__ import annotations

from scenarios.sabotages.sabotage import Sabotage

USERS = "services/users.py"
PASSWORDS = "services/passwords.py"

SABOTAGES = (
    Sabotage(
        "a disabled user is let in",
        USERS,
        "        if found is None or found.disabled:\n            raise WrongPassword",
        "        if found is None:\n            raise WrongPassword",
        "tests/test_users.py::test_a_disabled_user_is_refused_as_an_unknown_one_is",
    ),
    Sabotage(
        "whoever guesses the decoy's password is somebody",
        USERS,
        "        if found is None or found.disabled:\n            raise WrongPassword",
        "        if found is not None and found.disabled:\n            raise WrongPassword",
        "tests/test_users.py::test_even_who_guessed_the_decoys_password_is_nobody",
    ),
    Sabotage(
        "a disabled user is still found",
        USERS,
        "        return None if found is None or found.disabled else found.user",
        "        return None if found is None else found.user",
        "tests/test_users.py::test_a_disabled_user_is_refused_as_an_unknown_one_is",
    ),
    Sabotage(
        "an unknown name is answered sooner",
        USERS,
        "        stored = found.password_hash if found else passwords.decoy()\n",
        "        if found is None:\n            raise WrongPassword\n        stored = found.password_hash\n",
        "tests/test_users.py::test_anything_else_proves_nobody_at_the_price_of_one_slow_hash",
    ),
    Sabotage(
        "of two processes that make the store at the same time one fails",
        USERS,
        "            connection.execute(sa.schema.CreateTable(people, if_not_exists=True))",
        "            metadata.create_all(connection)",
        "tests/test_users.py::test_whoever_makes_a_store_at_the_same_time_has_it_too",
    ),
    Sabotage(
        "a change of the password ends no token",
        USERS,
        "password_hash=passwords.HASHER.hash(normal(password)), renewed=people.c.version + 1)",
        "password_hash=passwords.HASHER.hash(normal(password)))",
        "tests/test_users.py::test_a_person_is_renewed_by_a_new_password_and_by_being_shut_out",
    ),
    Sabotage(
        "who is let in again has the tokens of before",
        USERS,
        "disabled=True, renewed=people.c.version + 1)",
        "disabled=True)",
        "tests/test_users.py::test_a_person_is_renewed_by_a_new_password_and_by_being_shut_out",
    ),
    Sabotage(
        "a change of the password ends no session",
        USERS,
        "update.values(version=people.c.version + 1, **values)",
        "update.values(**values)",
        "tests/test_users.py::test_the_version_rises_with_each_change",
    ),
    Sabotage(
        "a reader can write",
        USERS,
        'mode = "rwc" if writable else "ro"',
        'mode = "rwc"',
        "tests/test_users.py::test_a_reader_cannot_write",
    ),
    Sabotage(
        "control characters are fit for a password",
        USERS,
        "        return text.isprintable()\n",
        "        return True\n",
        "tests/test_users.py::test_a_control_character_never_verifies_even_if_it_was_stored",
    ),
    Sabotage(
        "what the database held before goes on counting",
        USERS,
        "return (number, header[24:28])",
        'return (number, b"")',
        "tests/test_users.py::test_who_was_just_let_in_is_shut_out_at_once",
    ),
    Sabotage(
        "another database is taken for the one of before",
        USERS,
        "return (number, header[24:28])",
        "return (0, header[24:28])",
        "tests/test_users.py::test_a_store_that_replaces_another_is_not_taken_for_it",
    ),
    Sabotage(
        "to look at the database gives up the locks of whoever writes it",
        USERS,
        "            return self._held[1]\n",
        "            os.close(os.open(self._path, os.O_RDONLY))\n            return self._held[1]\n",
        "tests/test_users.py::test_to_look_leaves_the_locks_alone_under_which_somebody_writes",
    ),
    Sabotage(
        "a database that does not count its changes is remembered",
        USERS,
        " if header[18:20] == ROLLBACK else None",
        "",
        "tests/test_users.py::test_nothing_is_remembered_of_a_store_that_does_not_count",
    ),
    Sabotage(
        "a password that was right for one hash is right for each",
        PASSWORDS,
        'f"{stored}\\0{password}".encode',
        "password.encode",
        "tests/test_passwords.py::test_what_is_right_for_one_hash_is_not_for_another",
    ),
    Sabotage(
        "a wrong password is remembered as a right one",
        PASSWORDS,
        "            return False\n",
        "            self._right.put(pair, True)\n            return False\n",
        "tests/test_passwords.py::test_a_wrong_password_costs_one_each_time",
    ),
    Sabotage(
        "a password is remembered for as long as it is used",
        PASSWORDS,
        "        if self._right.get(pair):\n            return True\n",
        "        if self._right.get(pair):\n            self._right.put(pair, True)\n            return True\n",
        "tests/test_passwords.py::test_it_is_forgotten_after_a_moment_however_often_it_was_asked_for",
    ),
    Sabotage(
        "whoever sees what is remembered can tell whose passwords are the same",
        PASSWORDS,
        "secrets.token_bytes(32)",
        'b"\\0" * 32',
        "tests/test_passwords.py::test_what_is_remembered_is_of_no_use_elsewhere",
    ),
    Sabotage(
        "as many passwords are hashed at a time as anybody sends",
        PASSWORDS,
        "            with self._turns:\n",
        "            if True:\n",
        "tests/test_passwords.py::test_no_more_are_hashed_at_a_time_than_there_is_room_for",
    ),
    Sabotage(
        "many who come at once with the same are hashed one by one",
        PASSWORDS,
        "                if self._right.get(pair):  # meanwhile",
        "                if False:  # meanwhile",
        "tests/test_passwords.py::test_many_who_come_at_once_with_the_same_share_a_hash",
    ),
    Sabotage(
        "the decoy takes less time than anybody's hash",
        PASSWORDS,
        "t={HASHER.time_cost}",
        "t=1",
        "tests/test_passwords.py::test_the_decoy_takes_as_long_as_anybodys_hash",
    ),
)
