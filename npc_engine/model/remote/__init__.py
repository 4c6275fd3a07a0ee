"""Any server that speaks the chat completions protocol, as a model session. Imports no torch."""
