"""Screens: they turn keys into calls on a conversation, and its state into widgets."""
