"""The teacher behind an HTTP API shaped like OpenAI's, with keys, quotas, a request log, and a proxy's management calls."""
