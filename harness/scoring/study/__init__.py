"""What the trainings of a study say when they are compared at the same gain."""
