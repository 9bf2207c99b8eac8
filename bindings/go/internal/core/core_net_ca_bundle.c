//go:build !acurast_system
// Written by internal/generate from core/sources.txt; not by hand.
#include "../../../../core/src/net/ca_bundle.c"
