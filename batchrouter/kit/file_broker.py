"""A folder of files as a broker: nothing to install, for one machine.

kombu's own ``filesystem`` transport opens a message under its final name before it
writes it, so a reader can take an empty file and its worker dies (kombu 5.7.0,
``transport/filesystem.py``). Here a message appears when it is whole.
"""

import uuid
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


class Transport(filesystem.Transport):
    """``files://``: kombu's filesystem transport with whole messages."""

    Channel = Channel


def register() -> None:
    """Let broker addresses begin with ``files://``."""
    TRANSPORT_ALIASES[SCHEME] = f"{__name__}:Transport"
