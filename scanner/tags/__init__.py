"""An open audio file → what it says about itself, read in limited child processes."""
