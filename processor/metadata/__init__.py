"""What is known of albums and artists, from whom, and which of it counts."""
