"""Two runtimes with one face: the shop as plain local processes, or as containers.

Reading order: `topology` (who there is, and who holds what), `provision` (how secrets come to be), `face` (what can be
done with a shop), then `local` and `containers`, which are the same verbs twice.  `shop` opens one; `choice` says which
one a command means.
"""
