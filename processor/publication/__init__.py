"""An approved album and what is known of it → what goes where in a library, and what Greenroom wrote there."""
