"""One stand-in for the whole run, clean before every test, and a shop it tells."""

import queue
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import stripe
from stripe.checkout import Session

from tests.support.stripe_standin import API_KEY, WEBHOOK_SECRET, Json, StripeStandin

SUCCESS_URL = "http://shop.example.com/paid?session_id={CHECKOUT_SESSION_ID}"
CANCEL_URL = "http://shop.example.com/top-up"
DECLINED = "4000 0000 0000 0002"

NewSession = Callable[..., Session]


class Shop:
    """Receives webhooks, verified as the product verifies them."""

    def __init__(self) -> None:
        self.received: queue.Queue[stripe.Event] = queue.Queue()
        self.headers: list[str] = []
        self.secret = WEBHOOK_SECRET
        self.statuses: list[int] = []  # answers before the next 200
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/webhook"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def clear(self) -> None:
        self.received = queue.Queue()
        self.headers.clear()
        self.statuses.clear()
        self.secret = WEBHOOK_SECRET

    def events(self) -> list[stripe.Event]:
        """Return what came so far."""
        return list(self.received.queue)

    def types(self) -> list[str]:
        return [event.type for event in self.events()]

    def of_type(self, kind: str) -> Json:
        """Return the object that the one event of a type tells of."""
        [event] = [event for event in self.events() if event.type == kind]
        return event.data.object.to_dict()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        shop = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = shop.statuses.pop(0) if shop.statuses else 200
                signature = self.headers["Stripe-Signature"]
                shop.headers.append(signature)
                try:
                    event = stripe.Webhook.construct_event(body, signature, shop.secret)
                except stripe.SignatureVerificationError:
                    status = 400
                else:
                    shop.received.put(event)
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Length", "6")
                self.end_headers()
                self.wfile.write(b"Thanks")

            def log_message(self, format: str, *args: Any) -> None:
                pass

        return Handler


@pytest.fixture(scope="session")
def running_shop() -> Iterator[Shop]:
    shop = Shop()
    shop.start()
    yield shop
    shop.stop()


@pytest.fixture(scope="session")
def running_standin(running_shop: Shop) -> Iterator[StripeStandin]:
    with StripeStandin(webhook_url=running_shop.url) as process:
        yield process


@pytest.fixture
def standin(running_standin: StripeStandin, running_shop: Shop) -> StripeStandin:
    running_standin.reset()
    running_shop.clear()
    return running_standin


@pytest.fixture
def shop(standin: StripeStandin, running_shop: Shop) -> Shop:
    assert standin.url
    return running_shop


@pytest.fixture
def client(standin: StripeStandin) -> stripe.StripeClient:
    return client_of(standin)


@pytest.fixture
def new_session(client: stripe.StripeClient) -> NewSession:
    def create(**changes: Any) -> Session:
        return client.v1.checkout.sessions.create(wished(**changes))

    return create


@pytest.fixture
def paid(standin: StripeStandin, new_session: NewSession) -> Json:
    """A session over $25.00 that was paid by card."""
    return standin.pay(new_session().id)


def client_of(standin: StripeStandin, key: str = API_KEY) -> stripe.StripeClient:
    """Return the official client, which tries every call once."""
    return stripe.StripeClient(
        key, base_addresses={"api": standin.url}, max_network_retries=0
    )


def wished(amount: int = 2_500, currency: str = "usd", **changes: Any) -> Any:
    """Return the parameters of a session over one line item."""
    price = {
        "currency": currency,
        "unit_amount": amount,
        "product_data": {"name": "25 credits"},
    }
    return {
        "mode": "payment",
        "line_items": [{"price_data": price, "quantity": 1}],
        "success_url": SUCCESS_URL,
        "cancel_url": CANCEL_URL,
        **changes,
    }


def wait_for(happened: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)
