"""From profiles to hidden organisations: links between accounts, clusters of linked accounts, and what a cluster does."""
