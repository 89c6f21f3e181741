"""The scenarios, one file each.

A story is its docstring (the walkthrough), `EXPECTED` (a verdict and a reason per pattern), `REFERENCES`, `CATALOGUE`
(the rows of the attack catalogue that it covers) and `attempt(world)`, or `CASES` for a family of attempts that all
have to come to the same verdict.  Its id is its file's name.
"""
