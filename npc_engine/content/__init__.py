"""YAML in, values out: sheets, worlds, conditions, world state, and the library that finds them.

The only layer that imports yaml. Knows files and what authors write in them; knows no prompt, no
save and no model. Everything wrong in a file comes back as faults with file, line and column.
"""
