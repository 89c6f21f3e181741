"""The user store, and the passwords in it."""

from __future__ import annotations

from scenarios.sabotages.sabotage import Sabotage

USERS = "services/users.py"

SABOTAGES = (
    Sabotage(
        "a disabled user is let in",
        USERS,
        "        if row is None or row.disabled:\n            raise WrongPassword",
        "        if row is None:\n            raise WrongPassword",
        "tests/test_users.py::test_a_disabled_user_is_refused_as_an_unknown_one_is",
    ),
    Sabotage(
        "whoever guesses the decoy's password is somebody",
        USERS,
        "        if row is None or row.disabled:\n            raise WrongPassword",
        "        if row is not None and row.disabled:\n            raise WrongPassword",
        "tests/test_users.py::test_even_who_guessed_the_decoys_password_is_nobody",
    ),
    Sabotage(
        "a disabled user is still found",
        USERS,
        "        return None if row is None or row.disabled else _user(row)",
        "        return None if row is None else _user(row)",
        "tests/test_users.py::test_a_disabled_user_is_refused_as_an_unknown_one_is",
    ),
    Sabotage(
        "an unknown name is answered sooner",
        USERS,
        "        stored = row.password_hash if row else decoy()\n",
        "        if row is None:\n            raise WrongPassword\n        stored = row.password_hash\n",
        "tests/test_users.py::test_anything_else_proves_nobody_at_the_price_of_one_slow_hash",
    ),
    Sabotage(
        "a change of the password ends no token",
        USERS,
        "password_hash=HASHER.hash(normal(password)), renewed=people.c.version + 1)",
        "password_hash=HASHER.hash(normal(password)))",
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
        ' and not any(unicodedata.category(char) in {"Cc", "Cs"} for char in text)',
        "",
        "tests/test_users.py::test_a_control_character_never_verifies_even_if_it_was_stored",
    ),
)
