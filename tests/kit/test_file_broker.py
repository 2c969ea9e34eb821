"""The folder of files as a broker: messages are whole, and each is read once."""

import threading
from pathlib import Path
from queue import Empty

from kombu import Connection

from batchrouter.kit import file_broker

# kombu remembers the queues of a process: each test has one of its own.
MESSAGES = 400
READERS = 3


def _connection(folder: Path) -> Connection:
    file_broker.register()
    return Connection(
        "files://localhost",
        transport_options={
            "data_folder_in": str(folder),
            "data_folder_out": str(folder),
            "control_folder": str(folder / "control"),
        },
    )


def test_a_message_comes_back_as_it_was_sent(tmp_path: Path) -> None:
    with _connection(tmp_path) as connection:
        queue = connection.SimpleQueue("first")
        queue.put({"batch_id": 7})

        assert queue.get(timeout=60).payload == {"batch_id": 7}


def test_a_message_that_is_still_being_written_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "1_x.second.msg.part").write_bytes(b"")
    with _connection(tmp_path) as connection:
        queue = connection.SimpleQueue("second")
        queue.put("whole")

        assert queue.get(timeout=60).payload == "whole"


def test_many_readers_take_each_message_once(tmp_path: Path) -> None:
    taken: list[int] = []
    done = threading.Event()

    def read() -> None:
        with _connection(tmp_path) as connection:
            queue = connection.SimpleQueue("third")
            while True:
                # Asked first: what was sent until then is found by the look after it.
                was_done = done.is_set()
                try:
                    message = queue.get_nowait()
                except Empty:
                    if was_done:
                        return
                    continue
                taken.append(message.payload)
                message.ack()

    readers = [threading.Thread(target=read) for _ in range(READERS)]
    with _connection(tmp_path) as connection:
        # Bound before anybody else asks: kombu takes a queue that a thread is about to
        # bind for bound, and what is sent until then goes nowhere (the sweep finds it).
        queue = connection.SimpleQueue("third")
        for reader in readers:
            reader.start()
        for number in range(MESSAGES):
            queue.put(number)
    done.set()
    for reader in readers:
        reader.join(timeout=120)

    assert sorted(taken) == list(range(MESSAGES))


def test_channels_that_open_at_once_find_a_whole_table(tmp_path: Path) -> None:
    """An exchange is made by whoever comes first, and read by all others meanwhile."""
    failures: list[Exception] = []

    def open_and_send(folder: Path, begin: threading.Barrier) -> None:
        begin.wait()
        try:
            with _connection(folder) as connection:
                connection.SimpleQueue(folder.name).put("whole")
        except Exception as error:  # noqa: BLE001 # told below
            failures.append(error)

    for turn in range(20):
        folder, begin = tmp_path / f"turn{turn}", threading.Barrier(READERS)
        folder.mkdir()
        senders = [
            threading.Thread(target=open_and_send, args=(folder, begin))
            for _ in range(READERS)
        ]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join(timeout=120)
    assert failures == []
