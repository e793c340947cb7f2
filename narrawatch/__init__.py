"""The command line and the settings; the work is in `crawlers`, `processing` and `index_config`."""
