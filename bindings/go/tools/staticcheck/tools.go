//go:build acurast_never

// Package staticcheck pins the staticcheck that `make lint` runs, away from the modules that users and tests have.
package staticcheck

import _ "honnef.co/go/tools/cmd/staticcheck"
