"""A folder of files as a broker: nothing to install, for one machine.

kombu's own ``filesystem`` transport opens a message under its final name before it
writes it, so a reader can take an empty file and its worker dies (kombu 5.7.0,
``transport/filesystem.py``); the table of an exchange is made in the same way. Here
both appear when they are whole.
"""

import uuid
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Any

from kombu.exceptions import ChannelError
from kombu.transport import TRANSPORT_ALIASES, filesystem
from kombu.utils.json import dumps

SCHEME = "files"


class Channel(filesystem.Channel):
    """Writes a message beside its place, then moves it there."""

    # The two bases differ in the argument's name; kombu passes it by place.
    def _put(  # type: ignore[override] # see above
        self, queue: str, payload: Any, **_kwargs: Any
    ) -> None:
        name = f"{round(monotonic() * 1000)}_{uuid.uuid4()}.{queue}.msg"
        final = Path(self.data_folder_out) / name
        # The reader looks for names that end in ".msg".
        hidden = final.with_name(f"{name}.part")
        try:
            hidden.write_bytes(dumps(payload).encode())
            hidden.replace(final)
        except OSError as error:
            raise ChannelError(f"cannot add {name}: {error}") from error

    def _queue_bind(
        self, exchange: Any, routing_key: Any, pattern: Any, queue: Any
    ) -> None:
        self._make_table(exchange)
        super()._queue_bind(exchange, routing_key, pattern, queue)

    def _make_table(self, exchange: str) -> None:
        """Let a new exchange's table appear whole; kombu changes it under a lock."""
        table = Path(self.control_folder) / f"{exchange}.exchange"
        if table.exists():
            return
        hidden = table.with_name(f"{table.name}.{uuid.uuid4()}.part")
        try:
            table.parent.mkdir(parents=True, exist_ok=True)
            hidden.write_bytes(b"[]")
            # Somebody else may have been first: theirs is the table.
            with suppress(FileExistsError):
                table.hardlink_to(hidden)
            hidden.unlink()
        except OSError as error:
            raise ChannelError(f"cannot make {table.name}: {error}") from error


class Transport(filesystem.Transport):
    """``files://``: kombu's filesystem transport with whole messages."""

    Channel = Channel


def register() -> None:
    """Let broker addresses begin with ``files://``."""
    TRANSPORT_ALIASES[SCHEME] = f"{__name__}:Transport"
