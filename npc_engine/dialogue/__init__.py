"""One turn of one NPC, from the player's words to the recorded reply, as a stream of events.

The place where prompt, memory and model meet. Prints nothing and knows no user interface.
"""
