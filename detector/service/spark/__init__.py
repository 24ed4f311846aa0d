"""`replay --engine spark`: executors decode and digest the files, the driver takes the digests in as a local replay does."""
