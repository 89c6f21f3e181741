"""The shop: gateway, orders, inventory and billing, guarded by one pattern at a time.

Reading order: `identity` (what we may know about a request), `patterns` (seven ways to know it), `policy` (what it is
good for), `app` (where the three meet), then the four services.  The identity provider shares the floor that has
nothing to do with patterns: `server`, `tls`, `users` and `audit`.
"""
