"""What runs when, once, whatever the number of servers."""
