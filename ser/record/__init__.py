"""Records of the inputs, settings, code and outputs of jobs, trainings, stages and artefacts, and their digests."""
