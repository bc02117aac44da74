"""When recurring runs are due, by the rules of Kubeflow Pipelines' ScheduledWorkflow controller, and starting them."""
