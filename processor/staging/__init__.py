"""Plans need a world and hands: the trees are looked at, albums that stage are moved in batches."""
