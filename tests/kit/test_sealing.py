import pytest

from batchrouter.kit.sealing import CannotOpen, Sealer

SECRET = "sk-canary-0123456789"


def sealer(*keys: str, purpose: str = "test") -> Sealer:
    return Sealer(keys, purpose=purpose)


def test_what_is_sealed_can_be_opened_and_not_read() -> None:
    sealed = sealer("old").seal(SECRET)

    assert sealer("old").unseal(sealed) == SECRET
    assert "canary" not in sealed


def test_the_same_text_is_never_sealed_alike() -> None:
    assert sealer("old").seal(SECRET) != sealer("old").seal(SECRET)


def test_any_known_key_opens() -> None:
    assert sealer("new", "old").unseal(sealer("old").seal(SECRET)) == SECRET


def test_the_first_key_seals() -> None:
    assert sealer("new").unseal(sealer("new", "old").seal(SECRET)) == SECRET


def test_resealing_lets_the_old_key_go() -> None:
    resealed = sealer("new", "old").reseal(sealer("old").seal(SECRET))

    assert sealer("new").unseal(resealed) == SECRET


@pytest.mark.parametrize(
    "other",
    [sealer("new"), sealer("old", purpose="another")],
    ids=["key", "purpose"],
)
def test_another_key_or_purpose_opens_nothing(other: Sealer) -> None:
    sealed = sealer("old").seal(SECRET)

    with pytest.raises(CannotOpen):
        other.unseal(sealed)
    with pytest.raises(CannotOpen):
        other.reseal(sealed)


def test_a_changed_text_is_not_opened() -> None:
    sealed = sealer("old").seal(SECRET)

    with pytest.raises(CannotOpen):
        sealer("old").unseal(sealed[:-6] + "AAAA==")


@pytest.mark.parametrize("keys", [(), ("",), ("old", "")], ids=["none", "one", "two"])
def test_sealing_needs_keys(keys: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="needs keys"):
        Sealer(keys, purpose="test")
