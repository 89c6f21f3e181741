"""Two runtimes with one face: the shop as plain local processes, or as containers.

Reading order: `topology` (who there is, and who holds what), `provision` (how secrets come to be), `shop` (the face),
then `local` and `containers`, which are the same verbs twice.  `choice` says which shop a command means.
"""
