import numpy as np
import pytest

from examples.simulated_lms.population import TEAM_SIZE, build_population


def test_population__same_seed__same_people():
    first, second = build_population(500, 7), build_population(500, 7)

    assert first.ids == second.ids
    assert first.roles == second.roles
    np.testing.assert_array_equal(first.motivation, second.motivation)
    np.testing.assert_array_equal(first.joined_day, second.joined_day)


def test_population__other_seed__other_people_under_other_ids():
    first, second = build_population(500, 7), build_population(500, 8)

    assert not set(first.ids) & set(second.ids)
    assert not np.array_equal(first.motivation, second.motivation)


def test_population__teams__share_a_region_and_have_their_size():
    people = build_population(1_000, 1)

    for team in set(people.team_ids):
        members = [index for index, its in enumerate(people.team_ids) if its == team]
        assert len(members) == TEAM_SIZE
        assert len({people.regions[index] for index in members}) == 1


def test_population__motivation__is_standard_with_a_small_team_share():
    people = build_population(20_000, 1)
    by_team = people.motivation.reshape(-1, TEAM_SIZE)

    between = by_team.mean(axis=1).var(ddof=1) - by_team.var(axis=1, ddof=1).mean() / TEAM_SIZE

    assert abs(people.motivation.std() - 1) < 0.03
    assert 0.005 < between < 0.04


def test_population__too_few_for_two_teams__is_refused_with_the_number_needed():
    with pytest.raises(ValueError, match="49 is too few; two teams of 25 need 50"):
        build_population(49, 1)


def test_population__negative_seed__is_refused():
    with pytest.raises(ValueError, match="seed: -1 is negative"):
        build_population(500, -1)
