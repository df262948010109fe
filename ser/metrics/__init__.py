"""Figures of merit of detection (EER, DET, minDCF) and of classification (UAR, WA, F1)."""
