"""Samples estimate what they should, and templates collide within families of any script."""

from collections.abc import Callable, Iterable

import numpy as np
import pytest
from datasketch import MinHash

from stillwatch.events.kernels.characters import character_table
from stillwatch.events.kernels.phrasebook import encode
from stillwatch.events.kernels.sketches import SHINGLE_WEIGHT, min_hash, windows
from stillwatch.events.kernels.tokens import tokenise
from stillwatch.events.kernels.words import words_of

Fingerprints = Callable[..., dict[str, list]]
SEEDS = np.array([11, 13], np.uint64)


def overlapping(generator: np.random.Generator, shared: float) -> tuple[str, str]:
    """Two texts of 200 words that share a front of the given portion."""
    words = [f"w{chr(97 + a)}{chr(97 + b)}" for a in range(26) for b in range(26)]
    front = " ".join(generator.choice(words, int(200 * shared)))
    rest = [" ".join(generator.choice(words, 200 - int(200 * shared))) for _ in range(2)]
    return f"{front} {rest[0]}", f"{front} {rest[1]}"


def shingles(text: str) -> set[int]:
    words = words_of(tokenise(encode([text]), character_table(), SEEDS[0])[0], masked=True)
    out = np.empty(len(words.values) + 1, np.uint64)
    count = windows(words, (words.starts[0], words.starts[1]), SHINGLE_WEIGHT, out)
    return set(out[:count].tolist())


def test_min_hash_estimates_jaccard_without_bias(generator: np.random.Generator) -> None:
    errors, oracle_errors = [], []
    for shared in np.repeat([0.0, 0.2, 0.5, 0.8, 1.0], 12):
        pair = overlapping(generator, shared)
        sets = [shingles(text) for text in pair]
        truth = len(sets[0] & sets[1]) / len(sets[0] | sets[1])
        words = words_of(tokenise(encode(pair), character_table(), SEEDS[0])[0], masked=True)
        signatures = min_hash(words, SEEDS, 128)
        errors.append((signatures[0] == signatures[1]).mean() - truth)
        oracles = [MinHash(128), MinHash(128)]
        for oracle, values in zip(oracles, sets, strict=True):
            oracle.update_batch(value.to_bytes(8, "little") for value in values)
        oracle_errors.append(oracles[0].jaccard(oracles[1]) - truth)
    # the standard error of 128 permutations is at most 0.044
    assert abs(np.mean(errors)) < 0.02
    assert np.abs(errors).max() < 0.17
    assert np.std(errors) < 1.5 * np.std(oracle_errors) + 0.005


def test_signatures_differ_between_texts(generator: np.random.Generator) -> None:
    texts = [overlapping(generator, 0.0)[0] for _ in range(50)]
    words = words_of(tokenise(encode(texts), character_table(), SEEDS[0])[0], masked=True)
    assert len({row.tobytes() for row in min_hash(words, SEEDS, 32)}) == 50


def test_sketch_overlap_follows_similarity(
    fingerprints: Fingerprints, generator: np.random.Generator
) -> None:
    def overlap(shared: float) -> float:
        pairs = [overlapping(generator, shared) for _ in range(20)]
        made = [[set(row) - {0} for row in fingerprints(p)["sketch"]] for p in pairs]
        return float(np.mean([len(a & b) / len(a | b) for a, b in made]))

    assert overlap(0.0) < overlap(0.5) < overlap(0.9)


def test_an_answer_that_comes_back_shares_passages(fingerprints: Fingerprints) -> None:
    answer = " ".join(f"sentence{chr(97 + i % 26)}{chr(97 + i // 26)}" for i in range(120))
    made = fingerprints(
        ["Rewrite this: " + answer, "Something else entirely, with no such answer in it at all"],
        completion=["fine", answer],
    )
    returned, other = ({*row} - {0} for row in made["passages"])
    given = {*made["completion_passages"][1]} - {0}
    assert len(given) == 8
    assert len(returned & given) >= 6
    assert not other & given


FAMILIES = {
    "english": ("Solve this problem step by step: {} Then state the final answer.", "english"),
    "chinese": ("请解答下面的题目，写出推理过程：{}。最后给出最终答案。", "chinese"),
    "japanese": (
        "次の問題をステップバイステップで考えてください：{}。最終的な答えも。",
        "japanese",
    ),
    "arabic": ("حل المسألة التالية خطوة بخطوة: {} ثم اكتب الإجابة النهائية.", "arabic"),
    "russian": ("Реши задачу шаг за шагом: {} Затем дай окончательный ответ.", "russian"),
    "korean": ("다음 문제를 단계별로 풀어 주세요: {} 그리고 최종 답을 쓰세요.", "korean"),
    "hindi": ("इस समस्या को चरण दर चरण हल करें: {} फिर अंतिम उत्तर लिखें।", "hindi"),
}
SLOTS = {
    "english": ["a train leaves the city", "three friends share apples", "a shop sells shirts"],
    "chinese": ["火车从城市出发", "三个朋友分苹果", "商店卖出很多衬衫"],
    "japanese": ["電車が町を出ます", "友達がりんごを分けます", "店がシャツを売ります"],
    "arabic": ["يغادر القطار المدينة", "ثلاثة أصدقاء يتقاسمون التفاح", "متجر يبيع القمصان"],
    "russian": ["поезд выходит из города", "трое друзей делят яблоки", "магазин продаёт рубашки"],
    "korean": ["기차가 도시를 떠난다", "세 친구가 사과를 나눈다", "가게에서 셔츠를 판다"],
    "hindi": ["ट्रेन शहर से निकलती है", "तीन दोस्त सेब बाँटते हैं", "दुकान कमीज़ बेचती है"],
}
UNRELATED = {
    "english": ["What is the weather like?", "Write a poem about autumn leaves for my mother."],
    "chinese": ["今天天气怎么样？", "给我妈妈写一首关于秋天的诗。"],
    "japanese": ["今日の天気はどうですか？", "母に秋の葉についての詩を書いて。"],
    "arabic": ["كيف الطقس اليوم؟", "اكتب قصيدة عن أوراق الخريف لأمي."],
    "russian": ["Какая сегодня погода?", "Сочини стих об осенних листьях для мамы."],
    "korean": ["오늘 날씨 어때요?", "엄마를 위해 가을 낙엽에 대한 시를 써 줘."],
    "hindi": ["आज मौसम कैसा है?", "मेरी माँ के लिए पतझड़ पर कविता लिखो।"],
}


@pytest.mark.parametrize("language", FAMILIES)
def test_templates_collide_in_every_script(fingerprints: Fingerprints, language: str) -> None:
    template, _ = FAMILIES[language]
    made = fingerprints([template.format(slot) for slot in SLOTS[language]] + UNRELATED[language])
    family, others = made["template"][:3], made["template"][3:]
    assert len(set(family)) == 1
    assert len({*others, family[0]}) == 3
    assert all(marker & 1 for marker in made["markers"][:3])
    assert not any(marker & 1 for marker in made["markers"][3:])


@pytest.mark.parametrize("language", FAMILIES)
def test_bands_collide_in_every_script(fingerprints: Fingerprints, language: str) -> None:
    template, _ = FAMILIES[language]
    # a family whose fixed part is much longer than its slot
    fixed = " ".join(SLOTS[language] * 2)
    long = [fixed + " " + template.format(f"{fixed} {number}") for number in range(3)]
    made = fingerprints(long + UNRELATED[language])
    bands = [set(row) for row in made["bands"]]
    assert bands[0] & bands[1] & bands[2]
    assert not bands[3] & bands[4]
    assert not bands[0] & bands[3]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ｑ：Ｆｕｌｌ　ｗｉｄｔｈ", "q: full width"),
        ("Café ÉTÉ", "cafe\u0301 e\u0301te\u0301"),
        ("ΣΊΣΥΦΟΣ", "σίσυφος"),
        ("مُدَرِّس", "مدرس"),
        ("don’t “quote”", 'dont "quote"'),
        ("two   spaces\tand\r\nbreaks", "TWO spaces and\nbreaks"),
    ],
)
def test_spelling_that_means_nothing_changes_nothing(
    fingerprints: Fingerprints, one: str, other: str
) -> None:
    made = fingerprints([one, other])
    assert made["content"][0] == made["content"][1]


def ratios(values: Iterable[int]) -> float:
    values = list(values)
    return max(values.count(value) for value in set(values)) / len(values)


def test_masks(fingerprints: Fingerprints) -> None:
    made = fingerprints(
        [f'Explain why "{word}" has {n} parts, see https://a.example/{n}' for n, word in
         enumerate(("tree", "house of cards", "自転車"))]
    )  # fmt: skip
    for name in ("template", "opening", "closing"):
        assert ratios(made[name]) == 1
    assert ratios(map(tuple, made["bands"])) == 1
    assert ratios(made["content"]) < 1
