"""What each lock costs: measured by itself, on the real order, and beside what people would otherwise pick.

    clock       the CPU time of processes that somebody else runs, to the nanosecond
    wire        a client so plain that what is measured is the server
    contest     contestants side by side, in interleaved rounds, each proven to be locked before it is timed
    statistics  medians, ratios of pairs, and how far to trust them
"""
