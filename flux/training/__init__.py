"""Training: texts, batches, the trainer, checkpoints and sampling."""
