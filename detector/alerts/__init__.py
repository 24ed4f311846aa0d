"""From cases to alerts: allowances, grouping, the life of an alert, recommendations."""
