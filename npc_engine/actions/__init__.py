"""Actions of one moment: which are possible, what the model wrote, whether that may be done.

Plain functions from data to data; knows no prompt, no model, no save and no thread.
"""
