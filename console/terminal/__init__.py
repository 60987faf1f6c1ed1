"""What all faces in a terminal share: options and exit statuses, output, viewport, tables."""
