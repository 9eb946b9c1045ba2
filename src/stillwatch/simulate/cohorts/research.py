"""Work on models: evaluation, authorised and hobby data making."""

import numpy as np

from stillwatch.events.contracts import Kind
from stillwatch.simulate.content import Mixture
from stillwatch.simulate.crowd import Crowd
from stillwatch.simulate.stage import (
    Stage,
    alike,
    company,
    groups,
    machine,
    names,
)
from stillwatch.simulate.templates import FORMS, Pool, Templates


def evaluators(stage: Stage, count: int) -> Crowd:
    """Evaluation harnesses: public frames, public questions, whole sweeps; judges among them."""
    rng, people = stage.rng, stage.people(count)
    machine(stage, people, rate=160.0, spread=1.0, turns=60.0, gap=2.0)
    group = groups(count, 2.5, 0.6, rng, 1)
    total = int(group.max()) + 1
    company(stage, people, group, 0.7)
    people.temperature[:] = np.where(rng.random(count) < 0.75, 0.0, people.temperature)
    people.active *= 0.45
    public = stage.bank.templates("harness", 8, rng, 0)
    judges = stage.bank.templates("judge", 6, rng, 0)
    frames = [
        list(rng.choice(judges if rng.random() < 0.35 else public, rng.integers(1, 4)))
        for _ in range(total)
    ]
    size = 6000
    items, answers = stage.bank.draw("question", size, rng, 0, np.arange(240))
    # Everybody runs the same few sets; each group a stretch of them.
    start = (rng.integers(0, 6, total) * (size // 6))[group]
    pool = Pool(items, answers, start, np.full(count, size // 6), sweep=True)
    content = Templates(
        group, frames, ["harness"] * total, np.zeros(total, int), pool, np.zeros(total)
    )
    return Crowd("evaluator", people, content, names("evaluator", group), Kind.EVALUATION)


def contractors(stage: Stage, count: int) -> Crowd:
    """Authorised makers of synthetic data: an organisation under contract, harvest-like prompts."""
    rng, people = stage.rng, stage.people(count)
    machine(stage, people, rate=120.0, spread=0.7, turns=20.0, gap=4.0)
    group = groups(count, 9.0, 0.5, rng, 3)
    total = int(group.max()) + 1
    company(stage, people, group, 0.9)
    alike(people, group, "client", "temperature", "max_tokens", "output", "model")
    rules = rng.choice(["synthesise", "rl_task", "grade", "reason"], total)
    frames = [stage.bank.templates(rule, 3, rng, 0) for rule in rules]
    size = 600 * total
    items, answers = stage.bank.draw("instruction", size, rng, 0, rng.integers(0, 240, 30))
    pool = Pool(items, answers, group * 600, np.full(count, 600), sweep=True)
    content = Templates(
        group,
        frames,
        list(rules),
        np.zeros(total, int),
        pool,
        np.zeros(total),
        forms=list(rng.choice(FORMS, total)),
    )
    return Crowd("contractor", people, content, names("contractor", group), Kind.ORGANISATION)


def hobbyists(stage: Stage, count: int) -> Crowd:
    """Hobby trainers and researchers: one account each, synthetic data from well-known recipes."""
    rng, people = stage.rng, stage.people(count)
    machine(stage, people, rate=40.0, spread=1.1, turns=20.0, gap=4.0)
    people.active *= 0.5
    alone = np.arange(count)
    rules = rng.choice(
        ["synthesise", "reason", "rl_task", "grade", "rewrite"],
        count,
        p=[0.5, 0.25, 0.1, 0.1, 0.05],
    )
    frames = [stage.bank.templates(rule, 2, rng, 0) for rule in rules]
    size = 200 * count
    items, answers = stage.bank.draw("instruction", size, rng, 0, np.arange(240))
    pool = Pool(items, answers, alone * 200, np.full(count, 200), sweep=False)
    work = Templates(
        alone,
        frames,
        list(rules),
        np.zeros(count, int),
        pool,
        np.full(count, 0.1),
        forms=list(rng.choice(FORMS, count)),
    )
    share = rng.beta(4, 2, count)
    content = Mixture([work, stage.chat(people)], np.stack([share, 1 - share], axis=1), [0, 0])
    return Crowd("hobbyist", people, content, names("hobbyist", alone))
