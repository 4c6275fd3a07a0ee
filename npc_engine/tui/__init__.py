"""What a person sees: the Textual app, and the line mode for pipes and screen readers.

The only layer that imports textual, and only inside the app. Shows state and sends commands; writes
nothing to the save itself.
"""
