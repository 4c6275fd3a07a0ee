"""`python -m npc_engine` is the command `npc`."""

from npc_engine.cli import main

if __name__ == "__main__":
    main()
