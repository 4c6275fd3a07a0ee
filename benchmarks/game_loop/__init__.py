"""What the engine costs a 60 Hz loop on whose thread it is called."""
