"""Lets `python -m botwatch_collector` be the command `botwatch-collector`."""

from .cli import main

if __name__ == "__main__":
    main()
