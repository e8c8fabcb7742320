import pytest

from experiment_server.demo.lms import NoCheckoutError, load_simulated_lms


def test_load_simulated_lms__checkout__gives_the_platform():
    module = load_simulated_lms()

    assert callable(module.build_lms)
    assert callable(module.open_client)


def test_load_simulated_lms__no_checkout__says_what_to_do(tmp_path):
    with pytest.raises(NoCheckoutError, match="clone the repository and run 'make demo' in it"):
        load_simulated_lms(tmp_path / "examples")
