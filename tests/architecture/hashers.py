"""Password hashers that count their work."""

from typing import ClassVar

from django.contrib.auth.hashers import MD5PasswordHasher


class CountingHasher(MD5PasswordHasher):
    """Counts the hashes that were computed, whether to make or to compare one."""

    algorithm = "counting"
    computed: ClassVar[int] = 0

    def encode(self, password: str, salt: str) -> str:
        CountingHasher.computed += 1
        return super().encode(password, salt)


class FreshHasher(CountingHasher):
    """One that no login of this process has used yet."""

    algorithm = "counting_fresh"


class OtherFreshHasher(CountingHasher):
    """Another one."""

    algorithm = "counting_fresh_too"
