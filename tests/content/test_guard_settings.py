from npc_engine.content.guard_settings import GuardSettings
from npc_engine.content.loading import load_world


def test_a_sheets_settings_stand_over_its_worlds_and_names_add_up():
    world = GuardSettings(invented="allow", allow_names=("Oswin",), ai_terms="allow")
    sheet = GuardSettings(ai_terms="refuse", allow_names=("Harrow",))
    assert sheet.over(world) == GuardSettings(
        invented="allow",
        allow_names=("Oswin", "Harrow"),
        stage_directions="keep",
        repeats="check",
        ai_terms="refuse",
    )


def test_a_misspelt_setting_is_a_fault_at_its_place(tmp_path):
    path = tmp_path / "ford.yaml"
    path.write_text("name: Ford\nguard: {invented: chek}\n", encoding="utf-8")
    (fault,) = load_world(path).faults
    assert (fault.line, fault.column) == (2, 19)
    assert "check" in str(fault)
