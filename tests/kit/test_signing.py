import base64

import pytest

from batchrouter.kit.signing import Signer, verify

SIGNER = Signer.from_seed(bytes(range(32)))
MESSAGE = b'{"total":"14.60"}'


def test_signs_as_the_standard_does() -> None:
    # RFC 8032, section 7.1, test 2.
    seed = bytes.fromhex(
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"
    )
    signature = base64.b64decode(Signer.from_seed(seed).sign(b"\x72"))
    assert signature.hex() == (
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )


def test_a_signature_holds_for_its_message_and_key() -> None:
    assert verify(SIGNER.public_key_b64, MESSAGE, SIGNER.sign(MESSAGE))


@pytest.mark.parametrize("position", range(len(MESSAGE)))
def test_a_message_changed_in_one_bit_is_refused(position: int) -> None:
    changed = bytearray(MESSAGE)
    changed[position] ^= 1
    assert not verify(SIGNER.public_key_b64, bytes(changed), SIGNER.sign(MESSAGE))


@pytest.mark.parametrize("position", [0, 31, 32, 63])
def test_a_signature_changed_in_one_bit_is_refused(position: int) -> None:
    changed = bytearray(base64.b64decode(SIGNER.sign(MESSAGE)))
    changed[position] ^= 1
    text = base64.b64encode(changed).decode()
    assert not verify(SIGNER.public_key_b64, MESSAGE, text)


def test_another_key_is_refused() -> None:
    other = Signer.from_seed(bytes(32))
    assert not verify(other.public_key_b64, MESSAGE, SIGNER.sign(MESSAGE))


@pytest.mark.parametrize("text", ["", "AAAA", "not base64!", "\u00e9", "A" * 88])
def test_a_broken_signature_is_refused_without_an_error(text: str) -> None:
    assert not verify(SIGNER.public_key_b64, MESSAGE, text)


@pytest.mark.parametrize("text", ["", "AAAA", "not base64!", "\u00e9"])
def test_a_broken_public_key_is_refused_without_an_error(text: str) -> None:
    assert not verify(text, MESSAGE, SIGNER.sign(MESSAGE))


def test_a_seed_makes_the_same_key_each_time() -> None:
    again = Signer.from_seed(bytes(range(32)))
    assert (again.key_id, again.public_key_b64) == (
        SIGNER.key_id,
        SIGNER.public_key_b64,
    )


def test_keys_have_names_of_their_own() -> None:
    assert Signer.from_seed(bytes(32)).key_id != SIGNER.key_id
    assert SIGNER.key_id.startswith("rk_")
    assert len(SIGNER.key_id) == 19


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_seed_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Signer.from_seed(bytes(length))
