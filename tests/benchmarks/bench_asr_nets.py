"""Online i-vectors, and bottlenecks of the full TDNN-F of speech recognition, on 109 s of speech by one core."""

# Kaldi's CPU seconds: ivector-extract-online2, its loading in them; nnet3-compute of layer 12 of 13 at its best chunk.
IVECTORS, BOTTLENECK = 0.31, 2.0
CHUNKS = (50, 150, 1500)


def test_online_ivectors(command, table, tmp_path):
    used = command("asr_nets.py", "ivectors", tmp_path).printed
    table("online i-vectors, 512 Gaussians, 100 numbers, 109 s of speech, CPU", used["cpu"], "s", IVECTORS)
    table("loading of the extractor, CPU", used["loading"], "s")


def test_bottleneck_of_the_full_net(command, table, tmp_path):
    for chunk in CHUNKS:
        used = command("asr_nets.py", "bottleneck", tmp_path, chunk).printed
        table(
            f"layer 12 of the full TDNN-F, 109 s of speech, chunks of {chunk} frames, CPU", used["cpu"], "s", BOTTLENECK
        )
    table("loading of the net, CPU", used["loading"], "s")
