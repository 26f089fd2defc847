"""What is to be done: one rule a module; planner.py has their order."""
