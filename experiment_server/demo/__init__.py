"""The demo: a real server, a simulated learning platform, and the truth beside the decisions."""
