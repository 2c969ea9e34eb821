"""Start the simulator: ``python -m simulator --port 9400``."""

import argparse
import asyncio
import logging
import signal
import sys
from pathlib import Path

from aiohttp import web

from simulator.app import build_app
from simulator.world import Settings

HOST = "127.0.0.1"
_SHUTDOWN_SECONDS = 1.0


def main() -> None:
    """Read the options and serve until SIGTERM or SIGINT."""
    options = _options()
    if not options.quiet:
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    asyncio.run(_serve(options))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="simulator", description=__doc__)
    parser.add_argument("--port", type=int, default=9400, help="0 picks a free one")
    parser.add_argument("--data-dir", type=Path, default=Path("var/simulator"))
    parser.add_argument("--quiet", action="store_true", help="no access log")
    parser.add_argument("--ready-file", type=Path, help="gets the URL once it listens")
    parser.add_argument("--batch-seconds", type=float, default=2.0)
    parser.add_argument("--api-key", help="demand this Bearer key")
    return parser.parse_args()


async def _serve(options: argparse.Namespace) -> None:
    settings = Settings(batch_seconds=options.batch_seconds)
    app = build_app(options.data_dir, settings, options.api_key)
    log = None if options.quiet else logging.getLogger("simulator.access")
    runner = web.AppRunner(app, access_log=log, shutdown_timeout=_SHUTDOWN_SECONDS)
    await runner.setup()
    await web.TCPSite(runner, HOST, options.port, backlog=1024).start()
    url = f"http://{HOST}:{runner.addresses[0][1]}"
    sys.stdout.write(f"simulator listens on {url}, data in {options.data_dir}\n")
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
