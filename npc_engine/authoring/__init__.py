"""Tools for writers: checks of sheets and worlds, persona tests, and their reports.

Knows content, prompts and the engine that plays them. Prints nothing: everything a person reads
comes back as text, and the caller decides where it goes.
"""

from npc_engine.authoring.check_reports import Report, report_json, report_text
from npc_engine.authoring.checks import check, check_project
from npc_engine.authoring.persona_reports import tests_json, tests_text
from npc_engine.authoring.persona_results import TestReport
from npc_engine.authoring.runner import run_persona_tests

__all__ = [
    "Report",
    "TestReport",
    "check",
    "check_project",
    "report_json",
    "report_text",
    "run_persona_tests",
    "tests_json",
    "tests_text",
]
