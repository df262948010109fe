"""What was made of what: one note for jobs, trainings, stages and artefacts; digests of files, of features, of code."""
