"""What an operator types and looks at: reads what the sinks wrote, and never writes."""
