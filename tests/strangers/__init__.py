"""Clients that others wrote, and what they make of our identity provider.

Each goes the whole way: discovery, a code with its proof, tokens, UserInfo, introspection, refresh, revocation, the end
of the session.  It reports what it found in one shape, `Found`, so that one contract judges them all.

    issuer              our identity provider, as a process, with its clients
    browser             the person's browser, which goes where a client sends it and logs in
    node                `openid-client` and `oauth4webapi`, which are certified, in a process of Node
    python              Authlib and requests-oauthlib
    apache              `mod_auth_openidc`, certified too, in a server of Apache
"""
