"""The pytest fixture that hosts put into their conftest.py."""

from momentum_sdk.openfeature import MomentumProvider
from momentum_sdk.testing import InMemory, pytest_momentum
from openfeature.evaluation_context import EvaluationContext

momentum = pytest_momentum(variants={"reward-ladder": "badges"}, values={"limit": 3})


def test_fixture__each_test__has_a_client_of_its_own(momentum) -> None:
    momentum.values["limit"] = 4

    assert isinstance(momentum, InMemory)
    assert momentum.variant("reward-ladder", "l1").key == "badges"
    assert len(momentum.exposures) == 1


def test_fixture__another_test__begins_anew(momentum) -> None:
    assert momentum.exposures == []
    assert momentum.value("limit", 0) == 3


def test_in_memory__under_the_provider__resolves_as_told(momentum) -> None:
    provider = MomentumProvider(momentum)
    provider.initialize(EvaluationContext())

    details = provider.resolve_object_details("reward-ladder", {}, EvaluationContext("l1"))
    assert details.variant == "badges"
    assert provider.resolve_integer_details("limit", 1).value == 3
    assert provider.resolve_integer_details("no-such", 1).error_code == "FLAG_NOT_FOUND"
