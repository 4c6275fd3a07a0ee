"""Widgets: they draw state they are given and post what keys ask for; they decide nothing."""
