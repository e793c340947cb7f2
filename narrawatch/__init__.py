"""The command line and the settings; the work is in `crawlers`, `processing`, `review` and `index_config`."""
