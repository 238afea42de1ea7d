"""AgentChat 0.3, as its existing clients know it: frames, codes, order, and signed proposals."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from tests.contract.charts import Chart, Ends, Gets, Opens, Says, Step
from tests.contract.patterns import ANY, MILLISECONDS, TEXT, Let, Made, Ref, like
from tests.fakes.agentchat_client import Identity, as_javascript

PING, PONG = {"type": "PING"}, "PONG"
ID = like(r"@[a-z0-9]{8}")
PROPOSAL_ID = like(r"prop_[0-9a-z]{8,9}_[0-9a-f]{8}")
BUYER, SELLER = Identity(), Identity()
THIS = Ref("proposal")


def frame(kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": kind, "ts": MILLISECONDS, **{name.rstrip("_"): value for name, value in fields.items()}}


def says(who: str, kind: str, **fields: Any) -> Says:
    return Says(who, {"type": kind, **fields})


def gets(who: str, kind: str, **fields: Any) -> Gets:
    return Gets(who, frame(kind, **fields))


def refused(who: str, kind: str, code: str, message: Any = TEXT, **fields: Any) -> tuple[Step, ...]:
    return says(who, kind, **fields), gets(who, "ERROR", code=code, message=message)


def enters(who: str, *channels: str) -> tuple[Step, ...]:
    """Alone: nobody is there to be told of it."""
    joins = [
        (says(who, "JOIN", channel=one), gets(who, "JOINED", channel=one, agents=Let("here", ANY))) for one in channels
    ]
    return (
        Opens(who),
        says(who, "IDENTIFY", name=who),
        gets(who, "WELCOME", agent_id=Let(who, ID), server="llm-groupchat"),
        *(step for pair in joins for step in pair),
    )


def identifies(who: str, identity: Identity) -> tuple[Step, ...]:
    stable = "@" + hashlib.sha256(identity.pubkey.encode()).hexdigest()[:8]
    return (
        Opens(who),
        says(who, "IDENTIFY", name=who, pubkey=identity.pubkey),
        gets(who, "WELCOME", agent_id=Let(who, stable), server="llm-groupchat", challenge=TEXT),
    )


def creates(who: str, channel: str, **more: Any) -> tuple[Step, ...]:
    return (
        says(who, "CREATE_CHANNEL", channel=channel, **more),
        gets(who, "JOINED", channel=channel, agents=[Ref(who)]),
    )


def follows(who: str, channel: str, first: str) -> tuple[Step, ...]:
    """`who` comes to a channel where `first` is alone."""
    return (
        says(who, "JOIN", channel=channel),
        gets(
            who,
            "JOINED",
            channel=channel,
            agents=Made(lambda names: _in_order(names, who, first)),
        ),
        gets(first, "AGENT_JOINED", channel=channel, agent=Ref(who)),
    )


def _in_order(names: Mapping[str, Any], *clients: str) -> list[str]:
    """By the names that their members have: what each calls itself, and its id."""
    return [names[who] for who in sorted(clients, key=lambda one: f"{one}-{names[one]}")]


def signed(identity: Identity, *parts: Any) -> Made:
    """A signature over the parts, joined; a `Ref` is what was kept."""
    return Made(
        lambda names: identity.sign("|".join(str(names[one.name] if isinstance(one, Ref) else one) for one in parts))
    )


def proposes(expires: int = 300) -> tuple[Step, ...]:
    proposal = {
        "id": Let("proposal", PROPOSAL_ID),
        "from_": Ref("buyer"),
        "to": Ref("seller"),
        "task": "paint it",
        "amount": 5,
        "currency": "USDC",
        "payment_code": "code",
        "terms": None,
        "expires": MILLISECONDS if expires < 100 else ANY,
        "status": "pending",
        "created_at": MILLISECONDS,
        "sig": ANY,
    }
    sig = signed(BUYER, Ref("seller"), "paint it", 5, "USDC", "code", expires)
    wish = {"to": Ref("seller"), "task": "paint it", "amount": 5, "currency": "USDC", "payment_code": "code"}
    return (
        says("buyer", "PROPOSAL", **wish, expires=expires, sig=sig),
        gets("buyer", "PROPOSAL", **proposal),
        gets("seller", "PROPOSAL", **{**proposal, "id": Ref("proposal")}),
    )


def steps(who: str, kind: str, word: tuple[str, str], status: str, **more: Any) -> tuple[Step, ...]:
    """A party answers, and both are told in the same words."""
    identity = BUYER if who == "buyer" else SELLER
    sig = signed(identity, kind, Ref("proposal"), word[1])
    told = {"proposal_id": Ref("proposal"), "status": status, "updated_at": MILLISECONDS, "sig": ANY, **more}
    return (
        says(who, kind, proposal_id=Ref("proposal"), sig=sig, **{word[0]: word[1]}),
        gets("buyer", kind, **told),
        gets("seller", kind, **told),
    )


def cause(who: str, kind: str, message: str, id_: Any = THIS) -> tuple[Step, ...]:
    identity = BUYER if who == "buyer" else SELLER
    fields = {"proposal_id": id_, "reason": "x"} if kind == "DISPUTE" else {"proposal_id": id_}
    sig = signed(identity, kind, id_, "x" if kind == "DISPUTE" else "")
    return refused(who, kind, "INVALID_PROPOSAL", message, **fields, sig=sig)


PARTIES = (*identifies("buyer", BUYER), *identifies("seller", SELLER))
MEETING = (
    *PARTIES,
    *creates("buyer", "#deal"),
    *follows("seller", "#deal", "buyer"),
)

CHARTS: dict[str, Chart] = {
    "before IDENTIFY one may look around": (
        Opens("scout"),
        says("scout", "PING"),
        gets("scout", "PONG"),
        says("scout", "LIST_CHANNELS"),
        gets("scout", "CHANNELS", list=[{"name": "#agents", "agents": 0}, {"name": "#general", "agents": 0}]),
        says("scout", "LIST_AGENTS", channel="#general"),
        gets("scout", "AGENTS", channel="#general", list=[]),
        *refused("scout", "LIST_AGENTS", "CHANNEL_NOT_FOUND", channel="#nowhere"),
        *refused("scout", "JOIN", "AUTH_REQUIRED", channel="#general"),
        *refused("scout", "MSG", "AUTH_REQUIRED", to="#general", content="x"),
        *refused("scout", "LEAVE", "AUTH_REQUIRED", channel="#general"),
        *refused("scout", "CREATE_CHANNEL", "AUTH_REQUIRED", channel="#mine"),
        *refused("scout", "INVITE", "AUTH_REQUIRED", channel="#general", agent="@nobody"),
    ),
    "IDENTIFY": (
        Opens("scout"),
        *(
            step
            for name in ("", " ", "a b", "ä", "x" * 33, "@x", "a/b")
            for step in refused("scout", "IDENTIFY", "INVALID_MSG", name=name)
        ),
        *refused("scout", "IDENTIFY", "INVALID_MSG"),
        *refused("scout", "IDENTIFY", "INVALID_MSG", name="scout", pubkey="no key"),
        says("scout", "IDENTIFY", name="scout"),
        gets("scout", "WELCOME", agent_id=Let("scout", ID), server="llm-groupchat"),
        *refused("scout", "IDENTIFY", "INVALID_MSG", "Already identified", name="scout"),
    ),
    "an identity has the same id each time, and one connection": (
        *identifies("buyer", BUYER),
        Opens("thief"),
        says("thief", "IDENTIFY", name="thief", pubkey=BUYER.pubkey),
        Gets(
            "thief",
            frame(
                "ERROR",
                code="INVALID_MSG",
                message="Agent with this identity already connected",
                agent_id=Ref("buyer"),
                challenge=TEXT,
            ),
        ),
    ),
    "a channel: join, say, leave": (
        *enters("scout"),
        *creates("scout", "#den"),
        says("scout", "MSG", to="#den", content="anybody here?"),
        gets("scout", "MSG", from_=Ref("scout"), to="#den", content="anybody here?"),
        *enters("miner"),
        says("miner", "JOIN", channel="#den"),
        gets("miner", "JOINED", channel="#den", agents=[Ref("miner"), Ref("scout")]),
        gets("miner", "MSG", from_=Ref("scout"), to="#den", content="anybody here?", replay=True),
        gets("scout", "AGENT_JOINED", channel="#den", agent=Ref("miner")),
        says("miner", "MSG", to="#den", content="me"),
        gets("miner", "MSG", from_=Ref("miner"), to="#den", content="me"),
        gets("scout", "MSG", from_=Ref("miner"), to="#den", content="me"),
        says("scout", "LIST_AGENTS", channel="#den"),
        gets("scout", "AGENTS", channel="#den", list=[Ref("miner"), Ref("scout")]),
        says("miner", "LEAVE", channel="#den"),
        gets("miner", "LEFT", channel="#den", agent=Ref("miner")),
        gets("scout", "AGENT_LEFT", channel="#den", agent=Ref("miner")),
        *refused("miner", "MSG", "NOT_INVITED", to="#den", content="still here"),
        says("miner", "LEAVE", channel="#nowhere"),
        *refused("miner", "JOIN", "CHANNEL_NOT_FOUND", channel="#nowhere"),
        *refused("miner", "CREATE_CHANNEL", "CHANNEL_EXISTS", channel="#den"),
    ),
    "from one to another": (
        *enters("scout", "#general"),
        *enters("miner"),
        says("miner", "MSG", to=Ref("scout"), content="between us"),
        gets("scout", "MSG", from_=Ref("miner"), to=Ref("scout"), content="between us"),
        gets("miner", "MSG", from_=Ref("miner"), to=Ref("scout"), content="between us"),
        *refused("miner", "MSG", "AGENT_NOT_FOUND", to="@nobody00", content="x"),
        *refused("miner", "MSG", "CHANNEL_NOT_FOUND", to="#nowhere", content="x"),
        *refused("miner", "MSG", "INVALID_MSG", to="nobody", content="x"),
        *refused("miner", "MSG", "INVALID_MSG", to="#general", content="x" * 4097),
        *refused("miner", "MSG", "INVALID_MSG", to="#general"),
        *refused("miner", "MSG", "NOT_INVITED", to="#general", content="not joined"),
    ),
    "a channel by invitation": (
        *enters("scout"),
        *creates("scout", "#lab", invite_only=True),
        *enters("miner"),
        says("miner", "LIST_CHANNELS"),
        gets("miner", "CHANNELS", list=[{"name": "#agents", "agents": 0}, {"name": "#general", "agents": 0}]),
        *refused("miner", "LIST_AGENTS", "CHANNEL_NOT_FOUND", channel="#lab"),
        *refused("miner", "JOIN", "NOT_INVITED", channel="#lab"),
        *refused("miner", "MSG", "NOT_INVITED", to="#lab", content="x"),
        *refused("miner", "INVITE", "NOT_INVITED", channel="#lab", agent=Ref("scout")),
        says("scout", "INVITE", channel="#lab", agent=Ref("miner")),
        gets("miner", "MSG", from_=Ref("scout"), to=Ref("miner"), content="You have been invited to #lab"),
        *follows("miner", "#lab", "scout"),
        *refused("scout", "INVITE", "AGENT_NOT_FOUND", channel="#lab", agent="@nobody00"),
    ),
    "who goes is told of": (
        *enters("scout"),
        *creates("scout", "#den"),
        *enters("miner"),
        *follows("miner", "#den", "scout"),
        Ends("miner"),
        gets("scout", "AGENT_LEFT", channel="#den", agent=Ref("miner")),
    ),
    "a signed message comes as it was signed": (
        *identifies("buyer", BUYER),
        *creates("buyer", "#den"),
        says(
            "buyer",
            "MSG",
            to="#den",
            content="signed",
            ts=1700000000000,
            sig=BUYER.sign(as_javascript({"to": "#den", "content": "signed", "ts": 1700000000000})),
        ),
        Gets(
            "buyer",
            {
                "type": "MSG",
                "from": Ref("buyer"),
                "to": "#den",
                "content": "signed",
                "ts": 1700000000000,
                "sig": BUYER.sign(as_javascript({"to": "#den", "content": "signed", "ts": 1700000000000})),
            },
        ),
        *refused("buyer", "MSG", "INVALID_MSG", to="#den", content="other", ts=1700000000000, sig=BUYER.sign("other")),
    ),
    "a proposal is accepted and completed": (
        *MEETING,
        *proposes(),
        *cause("buyer", "ACCEPT", "NOT_PROPOSAL_RECIPIENT"),
        *cause("seller", "COMPLETE", "PROPOSAL_NOT_ACCEPTED"),
        *steps("seller", "ACCEPT", ("payment_code", "mine"), "accepted", payment_code="mine"),
        *cause("seller", "ACCEPT", "PROPOSAL_NOT_PENDING"),
        *steps(
            "seller",
            "COMPLETE",
            ("proof", "look"),
            "completed",
            completed_by=Ref("seller"),
            completed_at=MILLISECONDS,
            proof="look",
        ),
        *cause("buyer", "DISPUTE", "PROPOSAL_NOT_ACCEPTED"),
    ),
    "a proposal is rejected": (
        *MEETING,
        *proposes(),
        *steps("seller", "REJECT", ("reason", "too little"), "rejected", reason="too little"),
        *cause("seller", "ACCEPT", "PROPOSAL_NOT_PENDING"),
        *cause("seller", "ACCEPT", "PROPOSAL_NOT_FOUND", "prop_00000000_00000000"),
    ),
    "a proposal is disputed": (
        *MEETING,
        *proposes(),
        *steps("seller", "ACCEPT", ("payment_code", ""), "accepted", payment_code=ANY),
        *steps(
            "buyer",
            "DISPUTE",
            ("reason", "bad paint"),
            "disputed",
            disputed_by=Ref("buyer"),
            disputed_at=MILLISECONDS,
            reason="bad paint",
        ),
    ),
    "only who signs can deal": (
        *enters("scout", "#general"),
        *refused("scout", "PROPOSAL", "SIGNATURE_REQUIRED", to="@x", task="x", sig="x"),
        *identifies("buyer", BUYER),
        *refused("buyer", "PROPOSAL", "SIGNATURE_REQUIRED", to=Ref("scout"), task="x"),
        *refused("buyer", "PROPOSAL", "INVALID_PROPOSAL", "INVALID_SIGNATURE", to=Ref("scout"), task="x", sig="eA=="),
    ),
    "what is no frame is said, and the connection lives on": (
        *enters("scout"),
        *(
            step
            for text in ("{", "[]", "7", '"x"', "{}", '{"type":"NONSENSE"}', '{"type":7}', '{"type":null}', "")
            for step in (Says("scout", text), gets("scout", "ERROR", code="INVALID_MSG", message=TEXT))
        ),
        says("scout", "PING"),
        gets("scout", "PONG"),
    ),
}

BURST: Chart = (
    *identifies("buyer", BUYER),
    *creates("buyer", "#den"),
    *(
        step
        for number in range(10)
        for step in (
            says("buyer", "MSG", to="#den", content=f"n{number}"),
            gets("buyer", "MSG", from_=Ref("buyer"), to="#den", content=f"n{number}"),
        )
    ),
    *refused("buyer", "MSG", "RATE_LIMITED", to="#den", content="one too many"),
    *cause("buyer", "ACCEPT", "PROPOSAL_NOT_FOUND", "prop_00000000_00000000"),
    says("buyer", "LIST_CHANNELS"),
    gets("buyer", "CHANNELS", list=ANY),
)
"""With a message rate of ten at once, and hardly any after that: deals and lists are not counted."""
