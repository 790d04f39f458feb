"""`python -m texshape`: the command line."""

from texshape.cli.main import main

if __name__ == "__main__":
    main()
