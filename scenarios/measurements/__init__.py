"""The measurements, a file each: siblings of the stories, that count or time instead of giving a verdict.

A file's docstring says what is measured and how; `TITLE` is its heading in the report, `REFERENCES` are the texts that
it rests on, and `measure(world)` does it, once, in a shop that is up, and leaves the shop as it was.
"""
