"""Everything Elasticsearch and Kibana are told: the local node, the connection, mappings, languages, dashboards."""
