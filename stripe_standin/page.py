"""The checkout page that a person pays on."""

import base64
import hashlib
import time
from html import escape
from urllib.parse import urlsplit

from aiohttp import web

from stripe_standin import paying
from stripe_standin.calling import base_url
from stripe_standin.desk import Desk
from stripe_standin.wire import ApiError, Json
from stripe_standin.world import WORLD

_STYLE = """
:root { color-scheme: light dark; font: 100%/1.5 system-ui, sans-serif; }
body { margin: 0; background: #eef1f6; color: #1a1f36; }
main { max-width: 26rem; margin: 2rem auto; padding: 1.5rem; background: #fff;
  border: 1px solid #c9d0dc; border-radius: .75rem; }
.notice { margin: 0; padding: .75rem; background: #ffe9a8; color: #3d2c00;
  text-align: center; font-weight: 600; }
.amount { font-size: 2rem; font-weight: 700; margin: .25rem 0 1rem; }
.problem { padding: .75rem; border: 2px solid #b3002d; border-radius: .5rem;
  color: #8f0024; background: #fff0f3; }
label { display: block; font-weight: 600; }
input { box-sizing: border-box; width: 100%; padding: .7rem; font: inherit;
  border: 1px solid #6b7488; border-radius: .5rem; }
button { width: 100%; margin-top: .75rem; padding: .75rem; font: inherit;
  font-weight: 600; border: 1px solid #3f3cc4; border-radius: .5rem;
  background: #4441d6; color: #fff; cursor: pointer; }
button.second { background: #fff; color: #3f3cc4; }
:focus-visible { outline: 3px solid #e08600; outline-offset: 2px; }
.hint, dl { font-size: .9rem; color: #454d66; }
dt { font-family: ui-monospace, monospace; } dd { margin: 0 0 .4rem; }
@media (prefers-color-scheme: dark) {
  body { background: #10131c; color: #e8ebf4; }
  main { background: #1a1f2e; border-color: #39415a; }
  .problem { background: #3a0d18; color: #ffc9d4; border-color: #ff6b8a; }
  input, button.second { background: #10131c; color: #e8ebf4; }
  button.second { border-color: #9a98ff; }
  .hint, dl { color: #b8c0d6; }
}
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_NO_DECIMALS = ("jpy", "krw", "vnd", "clp", "isk", "ugx", "xaf", "xof")
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<p class="notice">Stand-in: no real money</p>
<main>
{body}
</main>
</body>
</html>
"""
_DESCRIBED = 'aria-describedby="cards"'
_DESCRIBED_PROBLEM = 'aria-invalid="true" aria-describedby="problem cards"'
_FORM = """<h1>Pay for {product}</h1>
<p class="amount">{amount}</p>
{problem}<form method="post" action="/pay/{session_id}">
<label for="card_number">Card number</label>
<input id="card_number" name="card_number" inputmode="numeric" autocomplete="off"
 required {described}>
<button name="method" value="card">Pay {amount}</button>
</form>
<form method="post" action="/pay/{session_id}">
<button class="second" name="method" value="bank_debit">Pay by bank debit</button>
</form>
<p class="hint">A bank debit is confirmed, or refused, later.</p>
{cancel}<section aria-labelledby="cards-title">
<h2 id="cards-title">Test cards</h2>
<dl id="cards">
<dt>4242 4242 4242 4242</dt><dd>pays at once</dd>
<dt>4000 0000 0000 0002</dt><dd>is declined</dd>
<dt>4000 0000 0000 9995</dt><dd>has insufficient funds</dd>
</dl>
</section>"""


async def show(request: web.Request) -> web.Response:
    """GET /pay/{session_id}."""
    session = _session(request)
    if session is None:
        return _unknown()
    return _page(session) if session["status"] == "open" else _closed(session)


async def pay(request: web.Request) -> web.Response:
    """POST /pay/{session_id}: back to the shop, or the page again with a reason."""
    sent = await request.post()
    world, session = request.app[WORLD], _session(request)
    if session is None:
        return _unknown()
    if session["status"] == "expired":
        return _closed(session)
    if session["status"] == "open":
        desk = Desk(world.store, world.settings, int(time.time()), base_url(request))
        try:
            with world.store.transaction():
                problem = _try(
                    desk,
                    session["id"],
                    method=str(sent.get("method", "card")),
                    typed=str(sent.get("card_number", "")),
                )
        except ApiError as refusal:
            problem = refusal.message
        world.work_waits.set()
        if problem:
            return _page(session, problem)
    # Also for a second click: the first one has paid.
    return web.Response(status=303, headers={"Location": success_address(session)})


def success_address(session: Json) -> str:
    """Return where the payer goes after paying."""
    url = str(session["success_url"])
    return url.replace("{CHECKOUT_SESSION_ID}", session["id"])


def _try(desk: Desk, session_id: str, *, method: str, typed: str) -> str:
    """Return why nothing was paid, or an empty text."""
    if method == "bank_debit":
        paying.by_bank_debit(desk, session_id)
        return ""
    declined = paying.by_card(desk, session_id, typed)
    return declined.message if declined is not None else ""


def _session(request: web.Request) -> Json | None:
    found = request.app[WORLD].store.find(request.match_info["session_id"])
    return found if found and found["object"] == "checkout.session" else None


def _page(session: Json, problem: str = "") -> web.Response:
    said = f'<p class="problem" id="problem" role="alert">{escape(problem)}</p>\n'
    cancel = session["cancel_url"]
    body = _FORM.format(
        amount=escape(_amount(session)),
        cancel=_link(cancel, "Cancel and go back") if cancel else "",
        described=_DESCRIBED_PROBLEM if problem else _DESCRIBED,
        problem=said if problem else "",
        product=escape(session["_line_items"][0]["description"]),
        session_id=session["id"],
    )
    title = f"{'Not paid: ' if problem else ''}Checkout (stand-in)"
    return _html(title, body, session, status=402 if problem else 200)


def _closed(session: Json) -> web.Response:
    word = "paid" if session["status"] == "complete" else session["status"]
    back = success_address(session) if word == "paid" else session["cancel_url"]
    link = _link(back, "Go back") if back else ""
    body = (
        f"<h1>This checkout is {word}</h1>\n<p>Nothing is left to do here.</p>\n{link}"
    )
    return _html("Checkout (stand-in)", body, session)


def _unknown() -> web.Response:
    body = "<h1>There is no such checkout</h1>\n<p>Start again at the shop.</p>"
    return _html("Checkout (stand-in)", body, {}, status=404)


def _link(url: str, words: str) -> str:
    return f'<p><a href="{escape(url)}">{words}</a></p>\n'


def _amount(session: Json) -> str:
    total, currency = session["amount_total"], session["currency"]
    if currency in _NO_DECIMALS:
        return f"{total} {currency.upper()}"
    figure = f"{total // 100:,}.{total % 100:02d}"
    return f"${figure}" if currency == "usd" else f"{figure} {currency.upper()}"


def _html(title: str, body: str, session: Json, status: int = 200) -> web.Response:
    text = _PAGE.format(title=escape(title), style=_STYLE, body=body)
    headers = {
        "Content-Security-Policy": _policy(session),
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
    return web.Response(
        text=text, status=status, content_type="text/html", headers=headers
    )


def _policy(session: Json) -> str:
    # A browser also checks where a form's answer redirects to.
    back = urlsplit(session.get("success_url") or "")
    shop = f" {back.scheme}://{back.netloc}" if back.netloc else ""
    return (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; "
        f"form-action 'self'{shop}; base-uri 'none'; frame-ancestors 'none'"
    )
