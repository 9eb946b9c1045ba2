"""The official vectors of RFC 9497 and known answers of RFC 9380."""

import gzip
import json

import pytest

from stillwatch.share.blind import dleq, group, voprf

SUITE = "ristretto255-SHA512"
OPRF, VOPRF = 0, 1


@pytest.fixture(scope="module")
def modes(shared_data):
    """The vectors of our suite, by mode."""
    path = shared_data / "standards" / "voprf_allVectors.json.gz"
    everything = json.loads(gzip.decompress(path.read_bytes()))
    return {suite["mode"]: suite for suite in everything if suite["identifier"] == SUITE}


def parts(text):
    return [bytes.fromhex(part) for part in text.split(",")]


def fixed(*scalars):
    """A source of randomness from which these scalars come, in order."""
    queue = iter(scalars)
    return lambda length: next(queue).ljust(length, b"\0")


@pytest.mark.shared
@pytest.mark.parametrize(("mode", "context"), [(OPRF, voprf.OPRF_CONTEXT), (VOPRF, dleq.CONTEXT)])
def test_keys_are_derived_as_the_vectors_say(modes, mode, context):
    suite = modes[mode]
    key = voprf.derive_key(bytes.fromhex(suite["seed"]), bytes.fromhex(suite["keyInfo"]), context)
    assert key.hex() == suite["skSm"]
    if mode == VOPRF:
        assert group.multiply_base(key).hex() == suite["pkSm"]


@pytest.mark.shared
@pytest.mark.parametrize(("mode", "context"), [(OPRF, voprf.OPRF_CONTEXT), (VOPRF, dleq.CONTEXT)])
def test_blinding_evaluation_and_output_are_those_of_the_vectors(modes, mode, context):
    key = group.scalar(bytes.fromhex(modes[mode]["skSm"]))
    seen = 0
    for vector in modes[mode]["vectors"]:
        inputs = parts(vector["Input"])
        blinded = voprf.blind(inputs, fixed(*parts(vector["Blind"])), context)
        assert [hidden.element for hidden in blinded] == parts(vector["BlindedElement"])
        products = voprf.multiply_all(key, [hidden.element for hidden in blinded])
        assert products == parts(vector["EvaluationElement"])
        assert voprf.unblind(inputs, blinded, products) == parts(vector["Output"])
        assert [voprf.value(key, text, context) for text in inputs] == parts(vector["Output"])
        seen += len(inputs)
    assert seen == {OPRF: 2, VOPRF: 4}[mode]


@pytest.mark.shared
def test_proofs_are_those_of_the_vectors_and_verify(modes):
    key = group.scalar(bytes.fromhex(modes[VOPRF]["skSm"]))
    public = group.multiply_base(key)
    batches = []
    for vector in modes[VOPRF]["vectors"]:
        inputs = parts(vector["Input"])
        blinded = voprf.blind(inputs, fixed(*parts(vector["Blind"])))
        elements = [hidden.element for hidden in blinded]
        nonce = bytes.fromhex(vector["Proof"]["r"])
        evaluation = voprf.evaluate(key, public, elements, fixed(nonce))
        assert evaluation.proof.hex() == vector["Proof"]["proof"]
        assert voprf.finalize(inputs, blinded, evaluation, public) == parts(vector["Output"])
        batches.append(len(inputs))
    assert batches == [1, 1, 2]
