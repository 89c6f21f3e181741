"""Identity providers side by side, each in processes of its own.

    ground     the directory in which all of them find their clients, keys and certificate
    authlib    what Authlib's documentation shows, in memory and in SQLite, and Flask with nothing behind it
    recipes    how each one is started, and where it answers
    running    one that runs: what is proven of it, what it costs, how long it took to start, what it holds
    lent       ours as a test borrows it: how long that takes
    flat       memory and store over a hundred thousand tokens
"""
