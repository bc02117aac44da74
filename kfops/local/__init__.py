"""The embedded backend: one machine's stand-in for Kubeflow Pipelines."""
