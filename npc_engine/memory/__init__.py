"""What a playthrough remembers: the save file, the tree of entries, and what is read from a path.

Knows no prompt text and no model. Everything stored is appended and nothing is rewritten; what an
NPC remembers is always worked out anew from the entries on the current path.
"""
