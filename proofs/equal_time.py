"""Does a stranger learn from a reply, or from its time, whether an address is known?

    python -m proofs.equal_time [--samples 500] [--seed N]

Starts the real product on services of its own, with the hashes of production, and asks
register, login and reset for known and unknown addresses, in random order over one
connection. Exits with 1 where an answer or its time tells them apart.
"""

import argparse
import http.client
import json
import random
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from proofs.two_samples import Comparison, compare
from tests.support.product import Product

# A difference is one when the whole interval lies beyond this, and chance is ruled
# out too. One more query over a local socket costs about this much, one more hash a
# hundred times as much; below it the scheduler of a busy machine decides.
MARGIN_MS = 0.25
P_BELOW = 0.01
WARM_UP = 20

KNOWN, UNKNOWN = "known", "unknown"
PATHS = {
    "register": "/v1/auth/register",
    "login": "/v1/auth/login",
    "reset": "/v1/auth/password/reset",
}
PASSWORD = "a wrong but decent passphrase"

# Of each reply something is its own: its id, its instant.
_OWN_HEADERS = {"x-request-id", "date"}

_MAKE_ACCOUNTS = """
from django.contrib.auth.hashers import make_password
from accounts.models import Membership, Org, User
hashed = make_password("the right passphrase of everybody")
users = User.objects.bulk_create(
    [User(email=email, password=hashed) for email in {emails!r}]
)
orgs = Org.objects.bulk_create([Org(name=user.email) for user in users])
Membership.objects.bulk_create(
    [Membership(user=user, org=org, role="owner") for user, org in zip(users, orgs)]
)
"""


@dataclass(frozen=True)
class Question:
    """One call that a stranger makes."""

    door: str
    kind: str
    number: int

    @property
    def email(self) -> str:
        """An address that no other question names: failures are counted by address."""
        # As long for the known as for the unknown.
        word = "ada" if self.kind == KNOWN else "eve"
        return f"{word}.{self.door}.{self.number:05d}@example.com"

    @property
    def body(self) -> bytes:
        """What is sent."""
        sent = {"email": self.email}
        if self.door != "reset":
            sent["password"] = PASSWORD
        return json.dumps(sent).encode()

    @property
    def client(self) -> str:
        """Where it seems to come from: failures are counted by client too."""
        place = list(PATHS).index(self.door) * 2 + (self.kind == KNOWN)
        return f"10.{place}.{self.number // 250}.{self.number % 250 + 1}"


@dataclass(frozen=True)
class Answer:
    """What came back: milliseconds, and everything that one could compare."""

    ms: float
    status: int
    headers: tuple[tuple[str, str], ...]
    body: str


class Stranger:
    """Asks over one connection that is kept open."""

    def __init__(self, address: str) -> None:
        host, port = urlsplit(address).netloc.split(":")
        self._connection = http.client.HTTPConnection(host, int(port), timeout=60)

    def ask(self, question: Question) -> Answer:
        """Send it, and read the whole reply."""
        headers = {
            "Content-Type": "application/json",
            "X-Forwarded-For": question.client,
        }
        began = time.perf_counter()
        self._connection.request(
            "POST", PATHS[question.door], question.body, headers=headers
        )
        reply = self._connection.getresponse()
        body = reply.read()
        ms = (time.perf_counter() - began) * 1000
        request_id = reply.headers.get("X-Request-Id", "")
        return Answer(
            ms=ms,
            status=reply.status,
            headers=tuple(
                (name.lower(), value.split("=")[0] if "ookie" in name else value)
                for name, value in reply.getheaders()
                if name.lower() not in _OWN_HEADERS
            ),
            body=body.decode().replace(request_id, "req_…"),
        )


def questions(samples: int, chance: random.Random) -> Iterator[Question]:
    """Yield the warm-up, and then every question of the campaign in random order."""
    warm_up = range(samples, samples + WARM_UP)
    yield from (Question(d, k, n) for n in warm_up for d in PATHS for k in _KINDS)
    asked = [Question(d, k, n) for n in range(samples) for d in PATHS for k in _KINDS]
    chance.shuffle(asked)
    yield from asked


_KINDS = (KNOWN, UNKNOWN)
Answers = dict[tuple[str, str], list[Answer]]


def ask_all(product: Product, *, samples: int, chance: random.Random) -> Answers:
    """Make the known addresses, ask everything and return the counted answers."""
    emails = [
        Question(door, KNOWN, number).email
        for door in PATHS
        for number in range(samples + WARM_UP)
    ]
    product.manage("shell", "-v0", "-c", _MAKE_ACCOUNTS.format(emails=emails))
    stranger = Stranger(product.address)
    answers: Answers = defaultdict(list)
    for question in questions(samples, chance):
        answer = stranger.ask(question)
        if question.number < samples:
            answers[question.door, question.kind].append(answer)
    return answers


def judge(answers: Answers, *, chance: random.Random) -> list[str]:
    """Print the figures, and return what tells known from unknown."""
    print(
        f"{'door':10}{'known ms':>10}{'unknown ms':>12}{'difference':>12}"
        f"{'95 % interval':>22}{'p':>8}  replies"
    )
    problems = []
    for door in PATHS:
        known, unknown = answers[door, KNOWN], answers[door, UNKNOWN]
        found = compare(
            [each.ms for each in known], [each.ms for each in unknown], chance=chance
        )
        shown_to_known, shown_to_unknown = _shown(known), _shown(unknown)
        is_alike = shown_to_known == shown_to_unknown
        print(_line(door, found, known, is_alike=is_alike))
        if not is_alike:
            problems.append(
                f"{door}: the replies differ: {shown_to_known ^ shown_to_unknown}"
            )
        if found.is_different(margin=MARGIN_MS, p_below=P_BELOW):
            problems.append(f"{door}: the times differ by {found.difference:+.2f} ms")
    return problems


def _shown(answers: list[Answer]) -> set[tuple[object, ...]]:
    return {(each.status, each.headers, each.body) for each in answers}


def _line(
    door: str, found: Comparison, answers: list[Answer], *, is_alike: bool
) -> str:
    statuses = ", ".join(str(each) for each in sorted({a.status for a in answers}))
    return (
        f"{door:10}{found.first_median:>10.2f}{found.second_median:>12.2f}"
        f"{found.difference:>+12.2f}"
        f"{f'{found.low:+.2f} to {found.high:+.2f}':>22}{found.p:>8.3f}"
        f"  {statuses}, {'alike' if is_alike else 'DIFFERENT'}"
    )


def main() -> int:
    """Run the campaign."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--samples", type=int, default=500)
    arguments.add_argument("--seed", type=int, default=20261122)
    chosen = arguments.parse_args()
    chance = random.Random(chosen.seed)
    with (
        tempfile.TemporaryDirectory() as home,
        Product(
            Path(home),
            with_redis=False,
            # Our proxy's word for the client: without it all were one client.
            TRUSTED_PROXY_COUNT="1",
            MAIL_PER_CLIENT_HOURLY="100000",
        ) as product,
    ):
        answers = ask_all(product, samples=chosen.samples, chance=chance)
    print(f"{chosen.samples} samples of each kind and door, seed {chosen.seed}")
    problems = judge(answers, chance=chance)
    for problem in problems:
        print(f"TELLS THEM APART: {problem}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
