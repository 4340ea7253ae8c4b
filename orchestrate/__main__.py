"""`python -m orchestrate`: the same as the console script `casebook`."""

from orchestrate.cli import main

if __name__ == "__main__":
    main()
