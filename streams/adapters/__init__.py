"""Other people's logs as exchanges: one file a format, one registry."""
