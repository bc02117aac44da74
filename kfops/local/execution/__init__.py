"""From a planned step to its processes and back to its outputs, and the loop of one run around that."""
