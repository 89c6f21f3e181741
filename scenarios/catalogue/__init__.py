"""The attacks and faults that the shop has to answer for, by ids, and the tests that cover them beside the stories.

A story names the rows that it covers in its `CATALOGUE`; here stands which named tests and measurements do.  A row that
nothing covers is open, and the table says so.  Tests are named as pytest does, without `tests/test_` and `.py`.
"""

from __future__ import annotations

from scenarios.catalogue import application, basic, bearer, faults, idp, jwt, mtls, perimeter
from scenarios.catalogue.row import SECTIONS, Row

ROWS: tuple[Row, ...] = (
    *jwt.ROWS,
    *bearer.ROWS,
    *idp.ROWS,
    *basic.ROWS,
    *mtls.ROWS,
    *perimeter.ROWS,
    *application.ROWS,
    *faults.ROWS,
)
BY_ID = {row.id: row for row in ROWS}
__all__ = ["BY_ID", "ROWS", "SECTIONS", "Row"]
