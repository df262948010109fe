import torch

from ser.models.fusion import LateFusion

MASK = torch.ones(4, 1, dtype=torch.bool)


def test_before_training_the_models_count_alike():
    speech, text = torch.rand(2, 4, 1, 3).softmax(-1)
    logits = LateFusion({"speech": 3, "text": 3}, 3)({"speech": speech, "text": text, "mask": MASK})
    torch.testing.assert_close(logits, (speech + text)[:, 0])


def test_logits_are_the_sum_of_a_linear_layer_each():
    fusion = LateFusion({"speech": 3, "text": 3}, 3)
    for parameter in fusion.parameters():
        torch.nn.init.normal_(parameter)
    speech, text = torch.rand(2, 4, 1, 3)
    expected = fusion.layers["speech"](speech[:, 0]) + fusion.layers["text"](text[:, 0])
    torch.testing.assert_close(fusion({"speech": speech, "text": text, "mask": MASK}), expected)
