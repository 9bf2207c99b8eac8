//go:build acurast_never

package core

// The folders of C that `go mod vendor` has to copy. Written by internal/generate from core/sources.txt; not by hand.
import (
	_ "github.com/libacurast/libacurast/core/include/acurast"
	_ "github.com/libacurast/libacurast/core/src/api"
	_ "github.com/libacurast/libacurast/core/src/base"
	_ "github.com/libacurast/libacurast/core/src/client"
	_ "github.com/libacurast/libacurast/core/src/crypto"
	_ "github.com/libacurast/libacurast/core/src/net"
	_ "github.com/libacurast/libacurast/core/src/protocol"
	_ "github.com/libacurast/libacurast/core/src/rpc"
	_ "github.com/libacurast/libacurast/core/src/service"
	_ "github.com/libacurast/libacurast/core/src/wire"
)
