// Placeholder until this folder is written: enough for the bundle to link.

