"""A week of requests made of prompts that people, evaluations and a harvest really used.

Nothing here knows Stillwatch or its simulator. Who sends what, and when:

- ordinary people write arena and expert prompts of their own and copy popular personas, a few
  conversations each, at their own hours of the day;
- evaluators each run one benchmark, GSM8K or BFCL, from its first question on, at temperature 0;
- one harvest asks for the reasoning behind CommonsenseQA, with the few-shot prompt of
  reasoning-teacher or with none, each question once, dealt over a pool of accounts without a pause.
"""

import csv
import gzip
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

EVALUATORS = 10
ITEMS_OF_A_BENCHMARK = 250
EXITS = 24
HARVESTED = 45  # questions per account of the pool
START = 1_777_852_800  # Monday 4 May 2026, 00:00 UTC
DAY = 86_400
AGENTS = ("OpenAI/Python 2.1.0", "OpenAI/JS 6.3.1", "LibreChat/0.8.1", "Mozilla/5.0", "curl/8.9.1")
FOLLOW_UPS = (
    "Can you say more about {}?",
    "Please make it shorter.",
    "Why {}?",
    "I meant {}, not the other thing. Try again.",
    "Thanks! Could you give an example?",
    "Rewrite the part on {} for a beginner.",
)


@dataclass(frozen=True)
class Request:
    """One request and what is known of its answer, as any gateway sees it."""

    account: str
    time: float  # seconds since 1970
    messages: list[dict[str, str]]
    conversation: str
    address: str
    agent: str
    model: str = "large-2"
    answer: str | None = None
    parameters: dict[str, Any] = field(default_factory=dict)

    @property
    def input_tokens(self) -> int:
        return 1 + sum(len(message["content"]) for message in self.messages) // 4


@dataclass(frozen=True)
class Traffic:
    """All requests in the order of time, and who is who."""

    requests: list[Request]
    people: set[str]
    evaluators: set[str]
    pool: set[str]


def make_traffic(
    data: Path, seed: int, *, people: int = 1600, members: int = 80, few_shot: bool = True
) -> Traffic:
    """The week; `data` is the folder that `SOURCES.md` describes.

    Args:
        data: the folder.
        seed: of all draws.
        people: ordinary people.
        members: accounts of the pool.
        few_shot: whether the harvest shows worked examples, else only "Let's think step by step."
    """
    generator = np.random.default_rng(seed)
    names = _names(generator, people + EVALUATORS + members)
    persons, others = names[:people], names[people:]
    evaluators, pool = others[:EVALUATORS], others[EVALUATORS:]
    requests = [
        *_from_people(data, persons, generator),
        *_from_evaluators(data, evaluators, generator),
        *_from_the_pool(data, pool, generator, few_shot=few_shot),
    ]
    return Traffic(
        sorted(requests, key=lambda request: request.time), {*persons}, {*evaluators}, {*pool}
    )


def _names(generator: np.random.Generator, count: int) -> list[str]:
    """Identifiers without any meaning, as a billing system gives them."""
    numbers = generator.choice(2**32, size=count, replace=False)
    return [f"user-{number:08x}" for number in numbers]


def _address(generator: np.random.Generator) -> str:
    """One of the addresses reserved for benchmarks, 198.18.0.0/15."""
    low, middle, high = (int(part) for part in generator.integers((2, 256, 254)))
    return f"198.{18 + low}.{middle}.{1 + high}"


def _from_people(data: Path, names: list[str], generator: np.random.Generator) -> Iterator[Request]:
    """Each prompt of one's own is one person's; a persona is copied by many, some far more."""
    own = [row["prompt"] for row in _lines(data / "benign/legit_arena_hard_v01.jsonl.gz")]
    for row in _lines(data / "benign/human_selfinstruct_user_oriented.jsonl.gz"):
        own += [f"{row['instruction']}\n\n{i['input']}".strip() for i in row["instances"]]
    personas = _personas(data / "benign/legit_awesome_prompts.csv.gz")
    popularity = 1 / np.arange(1, len(personas) + 1)
    copied = partial(generator.choice, len(personas), p=popularity / popularity.sum())
    generator.shuffle(own)
    for turn, name in enumerate(names):
        openings = own[turn :: len(names)]
        openings += [personas[copied()] for _ in range(generator.integers(1, 6))]
        generator.shuffle(openings)
        yield from _conversations(name, openings, generator)


def _conversations(
    name: str, openings: list[str], generator: np.random.Generator
) -> Iterator[Request]:
    wakes, address = generator.uniform(0, 24), _address(generator)
    agent, model = str(generator.choice(AGENTS)), str(generator.choice(["large-2", "small-2"]))
    parameters: dict[str, Any] = {}
    if generator.random() < 0.5:
        parameters["temperature"] = float(generator.choice([0.2, 0.5, 0.7, 1.0]))
    for number, opening in enumerate(openings):
        hour = wakes + 14 * generator.beta(2, 2)
        time = START + DAY * int(generator.integers(7)) + 3600 * hour
        messages = [{"role": "user", "content": opening}]
        for _ in range(1 + min(4, generator.geometric(0.5) - 1)):
            yield Request(
                name, time, [*messages], f"{name}-{number}", address, agent, model,
                parameters=parameters,
            )  # fmt: skip
            messages.append({"role": "assistant", "content": "Certainly."})
            messages.append({"role": "user", "content": _follow_up(opening, generator)})
            time += 20 + generator.exponential(120)


def _follow_up(opening: str, generator: np.random.Generator) -> str:
    words = opening.split()
    first = int(generator.integers(max(1, len(words) - 3)))
    return str(generator.choice(FOLLOW_UPS)).format(" ".join(words[first : first + 4]))


def _from_evaluators(
    data: Path, names: list[str], generator: np.random.Generator
) -> Iterator[Request]:
    """Half run GSM8K, half BFCL; each from a machine of its own, once."""
    maths = list(_lines(data / "benign/eval_gsm8k_train.jsonl.gz"))[:ITEMS_OF_A_BENCHMARK]
    calls = list(_lines(data / "benign/eval_bfcl_live_sample.jsonl.gz"))[:ITEMS_OF_A_BENCHMARK]
    for number, name in enumerate(names):
        time = START + DAY * 7 * generator.random()
        send = partial(Request, name, address=_address(generator), agent="OpenAI/Python 2.1.0")
        for item, (problem, call) in enumerate(zip(maths, calls, strict=True)):
            time += 1 + generator.exponential(8)
            conversation = f"{name}-{item}"
            parameters: dict[str, Any] = {"temperature": 0.0, "max_tokens": 512}
            if number % 2:
                messages = list(call["question"][0])
                parameters["tools"] = [
                    {"type": "function", "function": f} for f in call["function"]
                ]
                yield send(time, messages, conversation, parameters=parameters)
            else:
                text = f"Question: {problem['question']}\nAnswer:"
                messages = [{"role": "user", "content": text}]
                answer = problem["answer"]
                yield send(time, messages, conversation, answer=answer, parameters=parameters)


def _from_the_pool(
    data: Path, names: list[str], generator: np.random.Generator, *, few_shot: bool
) -> Iterator[Request]:
    """A balancer deals each question to any account and any exit of a proxy, day and night."""
    folder = data / "extraction"
    shots = _document(folder / "cot_reasoning_teacher_fewshot_prompts.json.gz")
    shots = shots["commonsense_qa"]["prompt"]
    questions = _document(folder / "cot_reasoning_teacher_commonsense_qa.json.gz")
    exits = [_address(generator) for _ in range(EXITS)]
    order = generator.permutation(len(questions))[: HARVESTED * len(names)]
    times = START + np.sort(generator.uniform(0, 7 * DAY, order.size))
    for item, time in zip(order.tolist(), times.tolist(), strict=True):
        name = names[generator.integers(len(names))]
        question = f"Q: {questions[item]['question']}\nA:"
        text = f"{shots}\n{question}" if few_shot else f"{question} Let's think step by step."
        yield Request(
            name, time, [{"role": "user", "content": text}], f"{name}-{item}",
            exits[generator.integers(EXITS)], "OpenAI/Python 2.1.0",
            answer=f"The answer is {questions[item]['answer']}.",
            parameters={"temperature": 0.7, "max_tokens": 128},
        )  # fmt: skip


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        yield from map(json.loads, file)


def _document(path: Path) -> Any:
    return json.loads(gzip.decompress(path.read_bytes()))


def _personas(path: Path) -> list[str]:
    text = gzip.decompress(path.read_bytes()).decode()
    csv.field_size_limit(len(text))
    return [row["prompt"] for row in csv.DictReader(io.StringIO(text))]
