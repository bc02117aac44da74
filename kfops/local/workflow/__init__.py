"""Argo Workflows semantics as pure functions: no files, no processes, no clock of their own.

``spec`` reads and checks a workflow, ``plan`` says what to start next and brings the status nodes up to date; the
engine acts on it. Facts follow Argo Workflows 3.1.
"""
