"""``python -m yummy``."""

from yummy.cli import main

if __name__ == "__main__":
    main(prog_name="python -m yummy")
