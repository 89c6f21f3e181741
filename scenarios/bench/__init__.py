"""What each lock costs: measured by itself, on the real order, and beside what people would otherwise pick.

    clock       the CPU time of processes that somebody else runs, to the nanosecond
    wire        a client so plain that what is measured is the server
    contest     contestants side by side, in interleaved rounds, each proven to be locked before it is timed
    statistics  medians, ratios of pairs, and how far to trust them
    experiment  what a question is that `make bench` asks: one module of `experiments` each
    command     `make bench`: all of them, one after the other
    record      what was found, as data: `report/bench.json`
    tables      the same on the terminal
    lines       a figure a pattern, for the README and the report

What the experiments on one request share:
    ground      a shop's files, its identity provider, and credentials without end
    serving     a process that serves while it is measured
    served      what it serves: one small endpoint
    knocking    such a server as a contestant
    profiled    what it serves with a clock at each border that a request crosses; `ledger`, what they show
    looking     such a server as a contestant
    shown       what is shown to each lock, rightly and wrongly
    others      the same endpoint behind other people's libraries

What those on many requests, or many processes, share:
    load        many clients at once, in a closed loop or an open one
    openings    shops and chains opened a few at a time
    proof       that a lock is on before anybody measures it
    chain       small services behind each other, `links`, and their identity provider, without a shop
    issuing     tokens for it without a log-in, one or a million
    asking      one that asks a chain again and again, as a contestant
    caller      one that asks at a steady pace, and opens another connection where one was closed
    starting    contestants that start: a shop, and `bare` applications side by side
    anatomy     what an order is made of, counted rather than timed
    introspecting, lifetimes, hashing, crls     what one experiment each is about
"""
