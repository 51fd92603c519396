"""Labs: real clients in network namespaces around a running sluiced. Python's standard library only."""
