"""An exam of character: does a persona stay who it is, with the engine and without."""
