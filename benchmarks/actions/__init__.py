"""The benchmark of actions: forms of calls, mutated calls, what a model calls and should not."""
