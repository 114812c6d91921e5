"""Reads OpenMetrics from stdin by the parser of Prometheus' own library, strictly; prints names and types."""
import json
import sys

from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.parser import text_string_to_metric_families as older

read = older if sys.argv[1] == "prometheus" else text_string_to_metric_families
families = list(read(sys.stdin.read()))
print(json.dumps({f.name: [f.type, f.unit, len(f.samples)] for f in families}))
