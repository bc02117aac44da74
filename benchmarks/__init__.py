"""What kfops-lab costs, measured as ratios to a limit taken in the same run: ``make bench``."""
