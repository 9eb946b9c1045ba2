"""Disguise what operations send: plain words, own subjects, applications, conversations."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
import pyarrow as pa

from stillwatch.simulate.campaign import OBJECTIVES
from stillwatch.simulate.chat import Chat, topics
from stillwatch.simulate.content import Batch, Content, Mixture, Switch, Text, scatter
from stillwatch.simulate.crowd import Crowd
from stillwatch.simulate.grammar import LANGUAGES, grammar
from stillwatch.simulate.stage import APPLICATION, Stage
from stillwatch.simulate.tactics import Tactics
from stillwatch.simulate.templates import Framed, Pool, Templates

WIDTH = 3
"""Neighbouring topics that an account keeps to."""
SAMPLES = 4
"""Answers drawn to each item."""
ITEMS = {rule: item for rules, item in OBJECTIVES.values() for rule in rules}
"""Kind of work item behind each rule of frames."""


@dataclass
class Woven:
    """Work inside other talk: a share of its requests say something else.

    The talk keeps its conversations, end users and system prompts. Where `later`, a conversation
    opens with talk.
    """

    talk: Content
    work: Content
    share: float
    later: bool

    def compose(self, batch: Batch) -> Text:
        """Write the talk, then put work in place of some of it."""
        text = self.talk.compose(batch)
        replaced = batch.rng.random(len(batch)) < self.share
        if self.later:
            replaced &= batch.turn > 1
        rows, rest = np.flatnonzero(replaced), np.flatnonzero(~replaced)
        work = self.work.compose(batch.take(rows))

        def mixed(talk: pa.Array, work: pa.Array) -> pa.Array:
            return scatter([(rest, talk.take(pa.array(rest))), (rows, work)], len(batch))

        return replace(
            text,
            prompt=mixed(text.prompt, work.prompt),
            completion=mixed(text.completion, work.completion),
        )


def disguise(stage: Stage, crowd: Crowd, apps: Crowd, tactics: Tactics) -> Content:
    """Say what a crowd sends under these tactics.

    Args:
        stage: World and generator.
        crowd: An attacking crowd; with `app`, its client and settings change.
        apps: Users of popular applications, one of which is borrowed.
        tactics: What the operator does.
    """
    content = crowd.content
    if tactics.tongues or tactics.subjects or tactics.sampled:
        content = each_harvest(content, lambda work: _dealt(stage, crowd, work, tactics))
    if tactics.plain:
        content = each_harvest(content, _plain)
    if tactics.app:
        framed = _borrowed(stage, crowd, apps)
        content = each_harvest(content, lambda work: replace(framed, inner=work))
    if isinstance(content, Mixture) and tactics.desks:
        content = replace(content, share=_desks(stage, content.share))
    if tactics.woven:
        content = _woven(stage, crowd, content, tactics.woven)
    if tactics.moments:
        content = _moved(content, crowd)
    if tactics.warm_up:
        content = _warmed(stage, crowd, content, tactics.warm_up)
    return content


def each_harvest(content: Content, change: Callable[[Templates], Content]) -> Content:
    """Change every harvest in a source; talk stays."""
    if isinstance(content, Templates):
        return change(content)
    if isinstance(content, Switch):
        return replace(
            content,
            before=each_harvest(content.before, change),
            after=each_harvest(content.after, change),
        )
    if isinstance(content, Mixture):
        return replace(
            content, sources=[each_harvest(source, change) for source in content.sources]
        )
    return content


def _plain(work: Templates) -> Templates:
    """Ask as a person would: a fresh frame without any word of the harvest."""
    return replace(
        work,
        rule=["spoken"] * len(work.rule),
        paraphrase=np.ones(len(work.rule)),
        forms=["{passage}"] * len(work.rule),
        system=None,
        follow="follow",
    )


def _dealt(stage: Stage, crowd: Crowd, work: Templates, tactics: Tactics) -> Templates:
    """Deal a new pool out by language, by subject, or several times over."""
    language = crowd.people.language if tactics.tongues else work.language[work.group]
    spoken, group = np.unique(language, return_inverse=True)
    rules = [work.rule[0] if work.rule[0] in grammar(LANGUAGES[n]) else "reason" for n in spoken]
    frames, system = work.frames, work.system
    if tactics.tongues:
        count = len(work.frames[0])
        frames = [
            stage.bank.templates(rule, count, stage.rng, int(number))
            for rule, number in zip(rules, spoken, strict=True)
        ]
        system = None
    if tactics.sampled:
        frames = [given[:1] for given in frames]
    return replace(
        work,
        group=group,
        frames=frames,
        rule=rules,
        language=spoken,
        source=_pool(stage, crowd, work, language, tactics),
        paraphrase=np.repeat(work.paraphrase[:1], len(spoken)),
        system=system,
        forms=[work.forms[0]] * len(spoken),
    )


def _pool(
    stage: Stage, crowd: Crowd, work: Templates, language: np.ndarray, tactics: Tactics
) -> Pool:
    """Items by language, then by topic, so that a stretch of them is a subject."""
    rng, size, kind = stage.rng, len(language), ITEMS[work.rule[0]]
    drawn = cast("Pool", work.source)
    total = len(drawn.items)
    if tactics.sampled:
        total = max(20, int(crowd.expected(stage.days) / SAMPLES))
    first, span = np.zeros(size, np.int64), np.zeros(size, np.int64)
    parts: list[tuple[pa.Array, pa.Array]] = []
    base = 0
    for number in np.unique(language):
        mine = np.flatnonzero(language == number)
        known = len(topics(grammar(LANGUAGES[number])))
        each = max(2, round(total * len(mine) / size / known))
        parts.append(stage.bank.about(kind, rng, int(number), np.repeat(np.arange(known), each)))
        first[mine], span[mine] = base, each * known
        if tactics.subjects:
            centre = _interest(crowd, int(number), rng.integers(0, known, len(language)))[mine]
            first[mine] += each * np.clip(centre - WIDTH // 2, 0, known - WIDTH)
            span[mine] = each * WIDTH
        base += each * known
    return Pool(
        pa.concat_arrays([items for items, _ in parts]),
        pa.concat_arrays([answers for _, answers in parts]),
        first,
        span,
        sweep=drawn.sweep,
    )


def _interest(crowd: Crowd, language: int, drawn: np.ndarray) -> np.ndarray:
    """A topic of one language per account: one that its cover talks about, or the one drawn."""
    cover = _cover(crowd.content)
    if cover is None:
        return drawn
    return np.where(cover.language == language, cover.interest[:, 0], drawn)


def _cover(content: Content) -> Chat | None:
    """The accounts' own talk among the sources, where there is any."""
    if not isinstance(content, Mixture):
        return None
    own = zip(content.sources, content.users, strict=True)
    return next((s for s, users in own if isinstance(s, Chat) and not users), None)


def _borrowed(stage: Stage, crowd: Crowd, apps: Crowd) -> Framed:
    """The frames of an application, drawn by its number of users, and its client and settings."""
    user = int(stage.rng.integers(0, len(apps.people)))
    for trait in APPLICATION:
        getattr(crowd.people, trait)[:] = getattr(apps.people, trait)[user]
    given = cast("Framed", apps.content)
    first = int(given.group[user])
    return replace(
        given,
        group=np.zeros(len(crowd.people), np.int64),
        heads=given.heads.slice(first * given.frames, given.frames),
        tails=given.tails.slice(first * given.frames, given.frames),
        system=None if given.system is None else given.system.slice(first, 1),
    )


def _desks(stage: Stage, share: np.ndarray) -> np.ndarray:
    """Give each account one source, as often as the sources are used."""
    draw = stage.rng.random(len(share))
    which = (draw[:, None] >= share.cumsum(axis=1)).sum(axis=1).clip(max=share.shape[1] - 1)
    alone: np.ndarray = np.eye(share.shape[1])[which]
    return alone


def _woven(stage: Stage, crowd: Crowd, content: Content, share: float) -> Woven:
    """Put the work into the relay's customers' conversations, or else into the accounts' own."""
    if isinstance(content, Mixture) and any(content.users):
        relayed = np.array(content.users) > 0
        return Woven(_part(content, relayed), _part(content, ~relayed), share, later=False)
    return Woven(stage.chat(crowd.people), content, share, later=True)


def _part(content: Mixture, chosen: np.ndarray) -> Mixture:
    """Some sources of a mixture, in the same proportions."""
    places, share = np.flatnonzero(chosen), content.share[:, chosen]
    return replace(
        content,
        sources=[content.sources[place] for place in places],
        share=share / share.sum(axis=1, keepdims=True),
        users=[content.users[place] for place in places],
    )


def _moved(content: Content, crowd: Crowd) -> Content:
    """Let each account change its frames when it changes its model, not on one day."""
    if isinstance(content, Switch):
        return replace(content, day=crowd.people.moves)
    if isinstance(content, Mixture):
        return replace(content, sources=[_moved(source, crowd) for source in content.sources])
    return content


def _warmed(stage: Stage, crowd: Crowd, content: Content, mean: float) -> Switch:
    """Begin earlier, or harvest later, with talk only before.

    The talk goes on as the cover of the harvest, where there is one.
    """
    people = crowd.people
    wait = stage.rng.exponential(mean, len(people))
    latest = (people.start + people.stop) / 2
    people.start = np.maximum(people.start - wait, 0.0)
    people.created = np.minimum(people.created, people.start - 0.01)
    begins = np.minimum(people.start + wait, latest)
    return Switch(_cover(content) or stage.chat(people), content, begins)
