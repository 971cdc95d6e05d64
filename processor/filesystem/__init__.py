"""One step → one system call on a media tree, below an open folder, with typed errors. Knows nothing of albums."""
