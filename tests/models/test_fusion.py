import torch

from ser.models.fusion import LateFusion, LinearProbe

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


def test_a_probe_normalises_by_the_mean_and_variance_of_what_it_was_trained_on():
    torch.manual_seed(0)
    trained, scored = torch.randn(400, 1, 5) * 100 + 7, torch.randn(4, 1, 5) * 100 + 7
    probe = LinearProbe({"speech": 5}, 3).train()
    for _ in range(200):  # the running mean goes to the training set's
        probe({"speech": trained, "mask": torch.ones(400, 1, dtype=torch.bool)})
    probe.eval()
    mean, variance = trained[:, 0].mean(0), trained[:, 0].var(0)
    expected = probe.layers["speech"]((scored[:, 0] - mean) / (variance + 1e-5).sqrt())
    torch.testing.assert_close(probe({"speech": scored, "mask": MASK}), expected)
