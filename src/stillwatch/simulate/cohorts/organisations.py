"""Organisations: companies, classes, and their batch jobs."""

import numpy as np
import pyarrow as pa

from stillwatch.events.contracts import Kind
from stillwatch.simulate.chat import Phrases
from stillwatch.simulate.content import Mixture
from stillwatch.simulate.crowd import Crowd
from stillwatch.simulate.grammar import LANGUAGES, grammar
from stillwatch.simulate.people import (
    EVENING,
    FLAT,
    OFFICE,
    heavy,
)
from stillwatch.simulate.stage import (
    Stage,
    alike,
    burst,
    company,
    english,
    groups,
    kit,
    machine,
    names,
    product,
)
from stillwatch.simulate.templates import Framed, Templates


def companies(stage: Stage, count: int) -> Crowd:
    """Companies: colleagues behind one network and contract, with an internal assistant."""
    rng, people = stage.rng, stage.people(count)
    group = groups(count, 14.0, 0.8, rng)
    company(stage, people, group, 0.75)
    alike(people, group, "client", "model", "temperature", "max_tokens", "stream", "output")
    speech = people.language[np.unique(group, return_index=True)[1]]
    speech = np.where([("app_system" in grammar(LANGUAGES[n])) for n in speech], speech, 0)
    chat = stage.chat(people)
    framed = product(stage, group, speech, 1, chat)
    share = rng.beta(1, 2, count)
    content = Mixture([framed, chat], np.stack([share, 1 - share], axis=1), [0, 0])
    return Crowd("company", people, content, names("company", group), Kind.ORGANISATION)


def rag_companies(stage: Stage, count: int) -> Crowd:
    """Companies that call from several accounts with retrieved passages in the prompt."""
    rng, people = stage.rng, stage.people(count)
    machine(stage, people, rate=45.0, spread=0.9, turns=3.0, gap=40.0)
    group = groups(count, 9.0, 0.7, rng)
    total = int(group.max()) + 1
    company(stage, people, group, 0.95)
    alike(
        people,
        group,
        "client",
        "second_client",
        "model",
        "temperature",
        "max_tokens",
        "stream",
        "output",
    )
    heads = stage.lines("rag_head", english(stage, total)).to_pylist()
    frames = [[f"{head}[1] {{passage}}\n\nQuestion: {{item}}\nAnswer:"] for head in heads]
    content = Templates(
        group,
        frames,
        ["rag_head"] * total,
        np.zeros(total, int),
        stage.chat(people),
        np.zeros(total),
    )
    return Crowd("rag-company", people, content, names("rag-company", group), Kind.ORGANISATION)


def batches(stage: Stage, count: int) -> Crowd:
    """Batch jobs: classification, extraction, translation with one frame per job."""
    rng, people = stage.rng, stage.people(count)
    machine(stage, people, rate=120.0, spread=1.2, turns=80.0, gap=2.0)
    people.active *= 0.6
    people.answer = heavy(rng, count, 40.0, 0.9, 600.0)
    group = groups(count, 2.0, 0.5, rng, 1)
    total = int(group.max()) + 1
    company(stage, people, group, 0.6)
    people.rhythm = rng.choice([FLAT, OFFICE, EVENING], count)
    people.weekend[:] = 0.8
    heads = stage.lines("batch_head", english(stage, total))
    inner = Phrases("review", stage.chat(people))
    content = Framed(group, heads, pa.array([""] * total), 1, inner)
    return Crowd("batch", people, content, names("batch", group))


def _course(stage: Stage, count: int, cohort: str, size: float, width: float) -> Crowd:
    rng, people = stage.rng, stage.people(count)
    group = groups(count, size, 0.5, rng, 6)
    total = int(group.max()) + 1
    alike(people, group, "country", "language", "zone")
    burst(stage, people, group, width)
    people.mail = np.array(
        [f"uni{place}.edu.example" for place in rng.integers(0, 60, total)], object
    )[group]
    site = rng.choice(stage.world.sites, total)
    campus = rng.random(len(people)) < 0.6
    near = stage.world.networks.address(site, rng)[group]
    people.address[campus, 0] = near[campus] & np.uint32(0xFFFFFF00) | rng.integers(
        1, 9, int(campus.sum()), dtype=np.uint32
    )
    people.asn[campus, 0] = stage.world.networks.asn[site][group][campus]
    people.stop = np.minimum(people.start + rng.uniform(2, 12, total)[group], stage.days)
    people.rate = heavy(rng, count, 10.0, 0.7, 120.0)
    people.active = rng.beta(3, 2, count)
    tasks = stage.lines("assignment", english(stage, total), 4).to_pylist()
    frames = [
        [f"{text} {{item}}" for text in tasks[4 * place : 4 * place + 4]] for place in range(total)
    ]
    work = Templates(
        group,
        frames,
        ["assignment"] * total,
        np.zeros(total, int),
        stage.chat(people),
        np.zeros(total),
        skew=1.0,
    )
    share = rng.beta(4, 2, count)
    content = Mixture([work, stage.chat(people)], np.stack([share, 1 - share], axis=1), [0, 0])
    return Crowd(cohort, people, content, names(cohort, group), Kind.ORGANISATION)


def classrooms(stage: Stage, count: int) -> Crowd:
    """Classes: sign-ups in an hour, one assignment, one campus."""
    return _course(stage, count, "classroom", 32.0, 0.08)


def hackathons(stage: Stage, count: int) -> Crowd:
    """Hackathons: strangers who start together and work day and night for two days."""
    crowd = _course(stage, count, "hackathon", 60.0, 0.3)
    kit(stage, crowd.people)
    crowd.people.stop = np.minimum(crowd.people.start + 2.5, stage.days)
    crowd.people.rate *= 3
    return crowd
