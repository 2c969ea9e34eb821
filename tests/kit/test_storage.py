import hashlib
from pathlib import Path

import pytest

from batchrouter.kit.storage import CHUNK_BYTES, Blob, Store

HELLO = hashlib.sha256(b"hello").hexdigest()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def keep(store: Store, *pieces: bytes) -> Blob:
    with store.new_blob() as blob:
        for piece in pieces:
            blob.write(piece)
        return blob.keep()


def files(store: Store) -> list[str]:
    found = (path for path in store.root.rglob("*") if path.is_file())
    return sorted(str(path.relative_to(store.root)) for path in found)


def test_a_blob_is_named_by_its_hash(store: Store) -> None:
    kept = keep(store, b"hel", b"lo")
    assert kept == Blob(f"blobs/{HELLO[:2]}/{HELLO}", HELLO, 5)
    assert store.path(kept.key).read_bytes() == b"hello"


def test_nothing_else_remains_of_a_kept_blob(store: Store) -> None:
    kept = keep(store, b"hello")
    assert files(store) == [kept.key]


def test_the_same_bytes_are_kept_once(store: Store) -> None:
    assert keep(store, b"hello") == keep(store, b"he", b"llo")
    assert len(files(store)) == 1


def test_other_bytes_are_another_blob(store: Store) -> None:
    assert keep(store, b"hello").key != keep(store, b"hello!").key
    assert len(files(store)) == 2


def test_an_empty_blob_is_a_blob(store: Store) -> None:
    kept = keep(store)
    assert kept.size_bytes == 0
    assert store.path(kept.key).read_bytes() == b""


def test_nothing_is_kept_that_was_not_asked_to_be(store: Store) -> None:
    with store.new_blob() as blob:
        blob.write(b"hello")
    assert files(store) == []


def test_nothing_is_kept_of_a_blob_that_failed_half_way(store: Store) -> None:
    def fail() -> None:
        with store.new_blob() as blob:
            blob.write(b"hello")
            raise OSError("the caller hung up")

    with pytest.raises(OSError, match="hung up"):
        fail()
    assert files(store) == []


def test_a_blob_has_no_name_before_it_is_whole(store: Store) -> None:
    with store.new_blob() as blob:
        blob.write(b"hello" * CHUNK_BYTES)
        assert not (store.root / "blobs").exists()


def test_a_kept_blob_takes_no_more_bytes(store: Store) -> None:
    with store.new_blob() as blob:
        blob.write(b"hello")
        kept = blob.keep()
        with pytest.raises(ValueError, match="closed file"):
            blob.write(b"!")
    assert store.path(kept.key).read_bytes() == b"hello"


def test_a_blob_is_read_a_mebibyte_at_a_time(store: Store) -> None:
    kept = keep(store, b"x" * (CHUNK_BYTES + 1))
    assert [len(chunk) for chunk in store.read_chunks(kept.key)] == [CHUNK_BYTES, 1]


def test_a_part_tells_where_each_piece_begins(store: Store) -> None:
    part = store.open_part("parts/7/0")
    assert [part.append(b"one\n"), part.append(b"three\n"), part.position] == [0, 4, 10]
    part.close()
    assert store.path("parts/7/0").read_bytes() == b"one\nthree\n"


def test_what_was_flushed_can_be_read_while_the_part_is_open(store: Store) -> None:
    part = store.open_part("parts/7/0")
    part.append(b"one\n")
    part.flush()
    assert store.path("parts/7/0").read_bytes() == b"one\n"
    part.close()


def test_a_part_that_is_opened_again_goes_on_at_its_end(store: Store) -> None:
    first = store.open_part("parts/7/0")
    first.append(b"one\n")
    first.close()
    second = store.open_part("parts/7/0")
    assert second.append(b"two\n") == 4
    second.close()
    assert store.path("parts/7/0").read_bytes() == b"one\ntwo\n"


@pytest.mark.parametrize(
    "key", ["../out", "blobs/../../out", "/etc/passwd", "..", "blobs/.."]
)
def test_a_key_cannot_leave_the_store(store: Store, key: str) -> None:
    with pytest.raises(ValueError, match="is not a key of this store"):
        store.path(key)


def test_dots_within_a_name_are_just_a_name(store: Store) -> None:
    assert store.path("parts/a..b") == store.root / "parts" / "a..b"
