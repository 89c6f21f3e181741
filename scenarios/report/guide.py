"""The decision guide, as data: questions to ask of one's own system, and where each answer leads.

Each answer cites what it rests on, by the ids of the evidence, and the page shows what this run says there.  So an
answer that a run no longer bears out stands next to the verdict that contradicts it.
"""

from __future__ import annotations

from dataclasses import dataclass

from scenarios.statements import CALLS, HOPS, MEMORY


@dataclass(frozen=True)
class Answer:
    """One answer, and where it leads."""

    when: str
    choose: tuple[str, ...]
    """The patterns, the one to look at first in front; together when `together`."""
    because: str
    cites: tuple[str, ...]
    together: bool = False


@dataclass(frozen=True)
class Question:
    """One question to ask of one's own system."""

    name: str
    asked: str
    matters: str
    answers: tuple[Answer, ...]


GUIDE = (
    Question(
        "inside",
        "Can anybody but your services get onto the inner network?",
        "A neighbour’s container, a forgotten debug port, a build agent: most networks have more doors than are drawn.",
        (
            Answer(
                "Yes, or you cannot rule it out",
                ("mtls", "jwt", "oauth2", "zerotrust"),
                "whoever has got in has still to prove who they are, at each service",
                (
                    "cell:knock_at_each_service/perimeter",
                    "cell:knock_at_each_service/jwt",
                    "cell:knock_at_each_service/mtls",
                    "figure:blast_radius/perimeter#inside",
                    "figure:blast_radius/jwt#inside",
                ),
            ),
            Answer(
                "No, and what is inside is worth no more than the wall around it",
                ("perimeter",),
                "nothing has to be issued, renewed or checked; but then a single hole is a hole everywhere",
                ("cell:read_the_wire/perimeter", "cell:answer_on_anothers_address/perimeter"),
            ),
        ),
    ),
    Question(
        "person",
        "Must a service know the person, rather than take its caller’s word for who it is?",
        "Where the person is only asserted, a service that is broken into can act for everybody.",
        (
            Answer(
                "Yes",
                ("jwt", "oauth2", "zerotrust"),
                "somebody else says who the person is, and nobody can say it of a person who is not there",
                (
                    "cell:forge_the_user/mtls",
                    "cell:forge_the_user/subsystem",
                    "cell:forge_the_user/jwt",
                    "cell:confused_deputy/mtls",
                    "cell:confused_deputy/jwt",
                ),
            ),
            Answer(
                "No: it is enough to know which service calls",
                ("mtls",),
                "the caller is proven, and its grants decide what it may ask for",
                ("cell:overreach/mtls", "cell:a_service_secret_used_as_another/mtls"),
            ),
        ),
    ),
    Question(
        "copied",
        "What if somebody copies what your services show each other?",
        "From a log, from memory, from a debugging proxy: a bearer credential works for whoever bears it.",
        (
            Answer(
                "It must be of no use to them",
                ("zerotrust", "mtls"),
                "the private key never travels, and a token that is bound to it is nothing without it",
                (
                    "cell:replay_from_elsewhere/jwt",
                    "cell:replay_from_elsewhere/mtls",
                    "cell:replay_from_elsewhere/zerotrust",
                    "cell:a_copied_key/mtls",
                ),
            ),
            Answer(
                "It may work for some minutes",
                ("jwt", "oauth2"),
                "a token runs out by itself; a password is good until somebody notices",
                (
                    "cell:harvest_passwords/basic",
                    "cell:harvest_passwords/jwt",
                    f"figure:exposure/basic#{MEMORY}",
                    f"figure:exposure/jwt#{MEMORY}",
                    f"figure:exposure/jwt#{HOPS}",
                ),
            ),
        ),
    ),
    Question(
        "neighbour",
        "May a service that is broken into use at its neighbours what it was shown?",
        "One token for all services is convenient for them all.",
        (
            Answer(
                "No",
                ("zerotrust",),
                "each hop has a token of its own, which no other service takes",
                (
                    "cell:hand_on_to_the_wrong_audience/jwt",
                    "cell:hand_on_to_the_wrong_audience/zerotrust",
                    "cell:hand_back_to_the_caller/jwt",
                    "cell:hand_back_to_the_caller/zerotrust",
                    "figure:blast_radius/jwt#billing as people pass by",
                    "figure:blast_radius/zerotrust#billing as people pass by",
                ),
            ),
        ),
    ),
    Question(
        "withdrawn",
        "How soon must a right that is withdrawn be without effect?",
        "What nobody is asked about, nobody can withdraw: it has to run out.",
        (
            Answer(
                "At the next request",
                ("oauth2",),
                "each service asks the identity provider each time",
                (
                    "cell:use_after_revocation/oauth2",
                    "cell:a_disabled_person/oauth2",
                    "cell:use_after_a_role_is_taken_away/oauth2",
                    "figure:revocation/oauth2#token/person disabled",
                ),
            ),
            Answer(
                "At the next hop",
                ("zerotrust",),
                "no token is exchanged for what was withdrawn; only the gateway itself takes it until it runs out",
                ("cell:use_after_revocation/zerotrust", "figure:revocation/zerotrust#token/person disabled"),
            ),
            Answer(
                "When the token runs out will do",
                ("jwt",),
                "nobody is asked on the way; how long that is, is yours to choose",
                ("cell:use_after_revocation/jwt", "figure:revocation/jwt#token/person disabled"),
            ),
        ),
    ),
    Question(
        "dark",
        "Must the shop go on while the identity provider is down?",
        "Asking each time makes of the identity provider a part of every request.",
        (
            Answer(
                "Yes, for those who are logged in",
                ("jwt",),
                "the public keys are known, and a token is checked without asking",
                ("cell:idp_dark/jwt", "cell:idp_slow/jwt", "cell:waking_up_without_the_idp/jwt"),
            ),
            Answer(
                "Yes, and people’s passwords may be checked at the door",
                ("mtls",),
                "between the services there is nobody to ask",
                ("cell:idp_dark/mtls", "cell:ca_dark/mtls"),
            ),
            Answer(
                "No: it is as available as the shop itself",
                ("oauth2", "zerotrust"),
                "then asking costs no more than time",
                (
                    "cell:idp_dark/oauth2",
                    "cell:idp_dark/zerotrust",
                    "cost:order_at_idp/oauth2",
                    "cost:order_at_idp/zerotrust",
                ),
            ),
        ),
    ),
    Question(
        "nobody",
        "Do services work for nobody, too: at night, by a timer?",
        "A pattern that only knows people has no name for a job.",
        (
            Answer(
                "Yes, and people’s requests as well",
                ("mtls", "jwt"),
                "the certificate speaks for the service, the token for the person, where there is one",
                (
                    "cell:a_job_without_a_user/mtls",
                    "cell:a_job_without_a_user/jwt",
                    "cell:a_client_instead_of_a_person/jwt",
                ),
                together=True,
            ),
            Answer(
                "No",
                ("jwt", "oauth2", "zerotrust"),
                "every request has a person behind it, and the token says who",
                ("cell:place_an_order/jwt", "cell:place_an_order/oauth2", "cell:place_an_order/zerotrust"),
            ),
        ),
    ),
    Question(
        "afford",
        "What may it cost: questions to others on every order, and keys to renew?",
        "Each guard has to be asked, fed and renewed by somebody.",
        (
            Answer(
                "As little as possible on the way",
                ("jwt", "mtls"),
                "both are checked with what the service already has",
                (
                    "cost:guarded_hop/jwt",
                    "cost:guarded_hop/mtls",
                    "cost:guarded_hop/oauth2",
                    "cost:order_beside/jwt",
                    "cost:order_beside/mtls",
                    "cost:order_beside/oauth2",
                    "cost:order_beside/zerotrust",
                    f"figure:idp_calls/jwt#{CALLS}",
                    f"figure:idp_calls/mtls#{CALLS}",
                    f"figure:idp_calls/oauth2#{CALLS}",
                    f"figure:idp_calls/zerotrust#{CALLS}",
                ),
            ),
            Answer(
                "A renewal must not be noticed",
                ("mtls", "jwt", "zerotrust"),
                "certificates and keys are read again where they lie; a password has to change at both ends",
                (
                    "figure:rotation/mtls#service certificate: processes restarted",
                    "figure:rotation/mtls#service certificate: requests failed",
                    "figure:rotation/subsystem#service password: processes restarted",
                    "figure:rotation/subsystem#service password: files",
                ),
            ),
        ),
    ),
)
"""In the order in which the answers rule patterns out."""
