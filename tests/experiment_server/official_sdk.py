"""The official GrowthBook SDK for Python as a host would use it."""

from growthbook import GrowthBook


def ask(features, key, learners):
    """What it gives each learner for one key, and the numbers of those whom it exposes."""
    values, exposed = [], set()
    for number, learner in enumerate(learners):

        def viewed(*, number=number, **_):
            exposed.add(number)

        own = dict(learner)  # the SDK empties what it was given when it is closed
        sdk = GrowthBook(attributes=own, features=features, on_experiment_viewed=viewed)
        values.append(sdk.get_feature_value(key, None))
        sdk.destroy()
    return values, exposed
