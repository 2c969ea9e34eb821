"""Start the stand-in: ``python -m stripe_standin --port 9500``."""

import argparse
import asyncio
import logging
import signal
import sys
from pathlib import Path

from aiohttp import web

from stripe_standin.app import build_app
from stripe_standin.settings import Settings
from stripe_standin.world import Configured

HOST = "127.0.0.1"
_SHUTDOWN_SECONDS = 1.0


def main() -> None:
    """Read the options and serve until SIGTERM or SIGINT."""
    options = _options()
    if not options.quiet:
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    asyncio.run(_serve(options))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="stripe_standin", description=__doc__)
    parser.add_argument("--port", type=int, default=9500, help="0 picks a free one")
    parser.add_argument("--data-dir", type=Path, default=Path("var/stripe"))
    parser.add_argument("--quiet", action="store_true", help="no access log")
    parser.add_argument("--ready-file", type=Path, help="gets the URL once it listens")
    parser.add_argument("--api-key", help="demand this key, not just any test key")
    parser.add_argument("--public-url", help="where a browser reaches it")
    parser.add_argument("--webhook-url", help="gets all events")
    parser.add_argument(
        "--webhook-secret", action="append", default=[], help="twice: both sign"
    )
    parser.add_argument("--latency-ms", type=float, default=0.0)
    parser.add_argument("--retry-first-ms", type=float, default=1_000.0)
    return parser.parse_args()


async def _serve(options: argparse.Namespace) -> None:
    settings = Settings(
        latency_ms=options.latency_ms, retry_first_ms=options.retry_first_ms
    )
    configured = Configured(
        api_key=options.api_key,
        webhook_url=options.webhook_url,
        webhook_secrets=tuple(options.webhook_secret),
        public_url=options.public_url,
    )
    app = build_app(options.data_dir, settings, configured)
    log = None if options.quiet else logging.getLogger("stripe_standin.access")
    runner = web.AppRunner(app, access_log=log, shutdown_timeout=_SHUTDOWN_SECONDS)
    await runner.setup()
    await web.TCPSite(runner, HOST, options.port, backlog=1024).start()
    url = f"http://{HOST}:{runner.addresses[0][1]}"
    sys.stdout.write(f"stripe_standin listens on {url}, data in {options.data_dir}\n")
    sys.stdout.flush()
    if options.ready_file:
        options.ready_file.write_text(url)
    await _until_told_to_stop()
    await runner.cleanup()


async def _until_told_to_stop() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stop.set)
    await stop.wait()


if __name__ == "__main__":
    main()
