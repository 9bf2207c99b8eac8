// Package acurast talks to Acurast deployments, and is one: clients of the Acurast websocket protocol for dApps and processors, and the
// service between them, on the C core of libacurast.
//
//	client, err := acurast.Dial(ctx, "ws://127.0.0.1:9001")
//	if err != nil { ... }
//	defer client.Close()
//	err = client.Request(ctx, acurast.MustParseID("02..."), "price", []string{"ACU"}, &price)
//
// [Client.Serve] answers requests, and [Client.RequestMany] asks several. [Client.Send] sends a payload that is no request, and
// [Client.Messages] are those that arrive.
//
// Where the service is one of libacurast, [Client.SendUntil] tells what became of a payload, [Client.Look] who is here, and [Client.Gone] who
// has left.
//
// A context ends the operation that it is given to, and nothing else. No C ever calls into Go; one goroutine takes what the core
// tells. The package starts goroutines only while a client or a service is open.
package acurast

import "github.com/libacurast/libacurast/bindings/go/internal/core"

//go:generate go run ./internal/tables

// Version is that of libacurast.
const Version = core.Version
