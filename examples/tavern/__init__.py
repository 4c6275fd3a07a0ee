"""A small game: a tavern on a drowned causeway, four guests who talk, and one locked door."""
