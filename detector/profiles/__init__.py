"""The mergeable profile of what an account did: kernels, columnar store, named features."""
