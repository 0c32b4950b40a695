"""Reading what generative judges wrote: numbers and choices, or why there is none."""
