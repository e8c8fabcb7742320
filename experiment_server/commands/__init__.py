"""The commands of ``momentum``, one file a topic; ``cli`` gathers them."""
