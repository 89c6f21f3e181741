"""The management of the identity provider: what a test needs to bring about, and to see, that no client may ask for.

A door of its own, on loopback, off unless SHOP_MANAGE_PORT opens it.  It asks nobody who they are, so it opens nowhere
else.  What is done there is written into the store, and each worker looks there at the beginning of each request: it
holds for all of them at once, and after a restart too.

    process, door        how the door opens, and ends with the server; whom it lets in, and what it answers
    operations           what can be asked of it, collected from the modules below, and described (OpenAPI 3.1)
    people, clients      who may log in, who may ask for tokens
    faults               the next N answers of an endpoint, spoilt in a way that is written down first
    keys, clock          rotate and withdraw; let the time pass
    journal              who asked what, and what came of it
    revoke, reset        take back; start anew
    state, levers        where all that is kept; how the identity provider obeys it
    shapes, client       what is answered; the same for programs: Manager, and `python -m idp manage`
"""
