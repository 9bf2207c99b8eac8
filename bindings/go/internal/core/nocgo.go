//go:build !cgo

package core

// Without cgo there is no C core. What the compiler says about the next line is meant for you.
var _ = acurast_needs_cgo_so_set_CGO_ENABLED_1_and_install_a_C_compiler
