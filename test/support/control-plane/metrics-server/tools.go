//go:build tools

// Package metricsserver pins the program that tells the API server how busy pods are.
package metricsserver

import _ "sigs.k8s.io/metrics-server/cmd/metrics-server"
