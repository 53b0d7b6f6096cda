//go:build tools

// Package prometheus pins the programs that try the alerts and dashboards of the chart in tests.
package prometheus

import (
	_ "github.com/prometheus/prometheus/cmd/prometheus"
	_ "github.com/prometheus/prometheus/cmd/promtool"
)
