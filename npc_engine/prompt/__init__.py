"""From a sheet, a world, what has happened and a line to the exact prompt of one turn.

Knows the tokenizer protocol, never a model and never a store. The knowledge rule is enforced here:
what an NPC does not know, or must not say yet, does not reach any section.
"""
