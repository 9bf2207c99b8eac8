// Package core is the C core seen from Go: its handles, and nothing that is not there.
//
// The core's own sources are compiled into the program: every core_*.c here includes one of them. With the build tag
// acurast_system an installed libacurast is linked instead. Either way the version is checked twice, by the compiler and when a
// program starts to use it.
//
// No function here waits, but Service.Start, which returns once the port is bound; and C never calls into Go.
package core

//go:generate go run ../generate

/*
#cgo !acurast_system CFLAGS: -std=gnu11 -O2 -fvisibility=hidden -I${SRCDIR}/../../../../core/include -I${SRCDIR}/../../../../core/src
#cgo !acurast_system LDFLAGS: -pthread
#cgo !acurast_system pkg-config: libsodium libuv yajl libssl libcrypto
#cgo !acurast_system,!msgpack_c pkg-config: msgpack
#cgo !acurast_system,msgpack_c pkg-config: msgpack-c
#cgo acurast_system pkg-config: acurast

#include "glue.h"

#if ACURAST_VERSION_MAJOR != 0 || ACURAST_VERSION_MINOR != 1
#error "this binding is for version 0.1 of libacurast"
#endif
*/
import "C"

import "fmt"

// Version is that of the core's headers that this was compiled against.
const Version = C.ACURAST_VERSION

// CheckVersion tells whether the library that runs is the one that this was compiled for.
func CheckVersion() error {
	return CompareVersion(int(C.acurast_version_number()), C.GoString(C.acurast_version()))
}

// CompareVersion looks at a version's number and name. Before 1.0 the minor number counts as a major one does later.
func CompareVersion(number int, name string) error {
	if number/100 != C.ACURAST_VERSION_NUMBER/100 {
		return fmt.Errorf("acurast: compiled for libacurast %s, but %s is loaded", Version, name)
	}
	return nil
}

// LiveObjects is how many objects of the core live in this process: for tests that look for leaks.
func LiveObjects() int64 { return int64(C.acurast_live_objects()) }

// Nothing calls a C function that does nothing: for the benchmark of what a call costs.
func Nothing() { C.acurast_go_nothing() }
