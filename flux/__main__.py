"""`python -m flux` is the command `flux`."""

from flux.cli import main

if __name__ == "__main__":
    main()
