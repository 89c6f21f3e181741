"""The report: one page, made from what was found alone, that works offline and on paper.

    page        puts it all together and writes `report/index.html`
    stories     what there is to tell of each scenario: its cells, the cases, and which patterns came out alike
    measured    what there is to tell of each measurement
    figures     its numbers as words and as bars
    costs       what there is to show of what each lock costs: goals, experiments
    bars        its spreads as bars
    curves      its series as curves, with the figures in a table
    sequence    the hops of a request, drawn
    drawings    bars, and the grid of who gets what done from where
    cited       the evidence that a claim or an answer rests on, looked up
    guide       the decision guide, as data

Nothing in it is typed that a run could have told: a number or a verdict on the page stands in `report/evidence.json`
or `report/bench.json`.
"""
