from stillwatch.share.signatures.tally import Match
from stillwatch.share.signatures.trial import trial
from stillwatch.share.truth import Truth
from tests.share.signatures.build import signature, template

TRUTH = {
    "a1": Truth(True, "campaign", "c1"),
    "a2": Truth(True, "campaign", "c2"),
    "b1": Truth(False, "student"),
    "b2": Truth(False, "student"),
    "b3": Truth(False, "contractor"),
    "silent": Truth(True, "campaign", "c1"),
}


def test_scores_count_accounts_with_events_and_labels():
    matches = [
        Match("a1", 0, 3, 4),
        Match("b1", 0, 1, 4),
        Match("a1", 1, 1, 4),
        Match("x", 1, 9, 9),
    ]
    signatures = [signature(template(1)), signature(template(2))]
    seen = ["a1", "a2", "b1", "b2", "b3", "x"]
    whole, first, second = trial(signatures, matches, TRUTH, seen)
    assert whole.signature_id is None
    assert (whole.precision.hits, whole.precision.accounts) == (1, 2)
    assert (whole.recall.hits, whole.recall.accounts) == (1, 2)
    assert (whole.false_positives.hits, whole.false_positives.accounts) == (1, 3)
    assert whole.cohorts["student"].share == 0.5
    assert whole.cohorts["contractor"].hits == 0
    assert [rate.share for rate in whole.campaigns.values()] == [1.0, 0.0]
    assert first.precision.share == 0.5
    assert second.precision.share == 1.0
