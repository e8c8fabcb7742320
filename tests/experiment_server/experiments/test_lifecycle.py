from itertools import product

import pytest

from experiment_server.experiments.lifecycle import (
    TRANSITIONS,
    Action,
    State,
    next_state,
    possible_actions,
)
from experiment_server.problems import Problem


@pytest.mark.parametrize(("state", "action"), list(product(State, Action)))
def test_lifecycle__each_state_and_action__leads_on_or_says_what_is_possible(state, action):
    if (state, action) in TRANSITIONS:
        assert next_state("badge", state, action) == TRANSITIONS[state, action]
        return

    with pytest.raises(Problem) as caught:
        next_state("badge", state, action)

    assert caught.value.status == 409
    assert all(possible in caught.value.detail for possible in possible_actions(state))


def test_lifecycle__running__can_be_paused_or_stopped():
    assert possible_actions("running") == ("pause", "stop")


def test_lifecycle__archived__is_the_end():
    assert possible_actions("archived") == ()
