"""From figures and thresholds to verdicts: status, severity, effect, actions."""
