"""Where records come from and go to; knows nothing of detection."""
