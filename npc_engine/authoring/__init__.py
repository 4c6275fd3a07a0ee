"""Tools for writers: checks of sheets and worlds, persona tests, measurements, and their reports.

Knows content, prompts and the engine that plays them. Prints nothing: everything a person reads
comes back as text, and the caller decides where it goes.
"""

from npc_engine.authoring.bench import run_bench
from npc_engine.authoring.bench_plan import FULL, QUICK, BenchPlan
from npc_engine.authoring.bench_report import bench_json, bench_text
from npc_engine.authoring.bench_results import BenchReport
from npc_engine.authoring.check_reports import Report, report_json, report_text
from npc_engine.authoring.checks import check, check_project
from npc_engine.authoring.persona_reports import tests_json, tests_text
from npc_engine.authoring.persona_results import TestReport
from npc_engine.authoring.runner import run_persona_tests

__all__ = [
    "FULL",
    "QUICK",
    "BenchPlan",
    "BenchReport",
    "Report",
    "TestReport",
    "bench_json",
    "bench_text",
    "check",
    "check_project",
    "report_json",
    "report_text",
    "run_bench",
    "run_persona_tests",
    "tests_json",
    "tests_text",
]
