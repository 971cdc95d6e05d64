"""Everything Greenroom asks of other machines, but messages to people, goes out here: guarded, paced, remembered."""
