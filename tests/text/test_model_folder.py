import pytest

from ser.errors import SerError
from ser.text.model_folder import model_name


@pytest.mark.parametrize("inner", ["", "encoder"])
def test_the_results_call_a_folder_by_its_kind_whatever_its_name(tmp_path, inner):
    folder = tmp_path / "t5" / inner
    folder.mkdir(parents=True)
    (folder / "config.json").write_text('{"model_type": "bert"}')
    assert model_name(str(tmp_path / "t5")) == "bert"


def test_a_config_json_may_be_indented_by_tabs(tmp_path):
    (tmp_path / "config.json").write_text('{\n\t"model_type": "bert"\n}')
    assert model_name(str(tmp_path)) == "bert"


@pytest.mark.parametrize("name", ["t5-base", "google-t5/t5-base"])
def test_a_model_of_the_hub_has_its_own_name(name):
    assert model_name(name) == "t5-base"


@pytest.mark.parametrize("text", ["{}", "[]", '{"model_type": 5}', '{"model_type": ""}'])
def test_a_folder_that_does_not_state_its_kind_is_refused(tmp_path, text):
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(SerError, match=r"config.json: no model_type, such as t5 or bert"):
        model_name(str(tmp_path))


def test_a_folder_that_is_missing_or_of_no_text_model_is_refused(tmp_path):
    with pytest.raises(SerError, match="no such folder; give --text-model a folder, or a name on the Hub"):
        model_name(str(tmp_path / "absent"))
    with pytest.raises(SerError, match=r"holds no config.json; give the folder of a text model"):
        model_name(str(tmp_path))
