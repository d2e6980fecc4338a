"""Real bots for the tests, each a program of its own."""
