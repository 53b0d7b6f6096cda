//go:build tools

// Package lua pins the interpreter that Argo CD runs health checks with.
package lua

import _ "github.com/yuin/gopher-lua/cmd/glua"
