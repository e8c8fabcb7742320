"""The Energize Score: 0 to 100 per learner and window, versioned, safe inside an experiment."""
