"""Everything Elasticsearch is told: the local node, the connection, mappings, languages."""
