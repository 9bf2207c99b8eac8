//go:build acurast_never

// Package rpc is a folder of C. This file is here so that `go mod vendor` copies it.
// Written by internal/generate from core/sources.txt; not by hand.
package rpc
