module github.com/libacurast/libacurast/bindings/go/tests

go 1.23.0

require (
	github.com/coder/websocket v1.8.15
	github.com/libacurast/libacurast v0.0.0
	github.com/vmihailenco/msgpack/v5 v5.4.1
	go.uber.org/goleak v1.3.0
	golang.org/x/mod v0.27.0
)

require github.com/vmihailenco/tagparser/v2 v2.0.0 // indirect

replace github.com/libacurast/libacurast => ../../..
