// Package encoding has tests of MessagePack-RPC with a library that users have.
package encoding

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/libacurast/libacurast/bindings/go"
)

const deadline = 30 * time.Second

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// sum is a struct as users have them, with the names of its members in MessagePack.
type sum struct {
	A int `msgpack:"a"`
	B int `msgpack:"b"`
}

func add(ctx context.Context, request *acurast.Request) (any, error) {
	var numbers []int
	if err := request.Params(&numbers); err != nil {
		return nil, err
	}
	total := 0
	for _, each := range numbers {
		total += each
	}
	return total, nil
}

var methods = map[string]acurast.Handler{
	"add": add,
	"swap": func(ctx context.Context, request *acurast.Request) (any, error) {
		var asked sum
		if err := request.Params(&asked); err != nil {
			return nil, err
		}
		return sum{A: asked.B, B: asked.A}, nil
	},
	"bytes":    func(ctx context.Context, request *acurast.Request) (any, error) { return []byte{0, 255}, nil },
	"nothing":  func(ctx context.Context, request *acurast.Request) (any, error) { return nil, nil },
	"encoding": func(ctx context.Context, request *acurast.Request) (any, error) { return request.MessagePack, nil },
	"refuse": func(ctx context.Context, request *acurast.Request) (any, error) {
		return nil, &acurast.RPCError{Code: 7, Message: "no", Data: map[int]string{1: "one"}}
	},
	"count": func(ctx context.Context, request *acurast.Request) (any, error) {
		for i := 0; i < 3; i++ {
			if err := request.Progress(sum{A: i}); err != nil {
				return nil, err
			}
		}
		return "done", nil
	},
	"unspeakable": func(ctx context.Context, request *acurast.Request) (any, error) { return make(chan int), nil },
}

var spoken = acurast.WithMessagePack(msgpack.Marshal, msgpack.Unmarshal)

// world is the time of a test, and a service.
func world(t *testing.T) (ctx context.Context, url string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	t.Cleanup(cancel)
	service, err := acurast.NewService()
	check(t, err)
	t.Cleanup(func() { service.Close() })
	return ctx, service.URL()
}

func dial(ctx context.Context, t *testing.T, url string, options ...acurast.ClientOption) *acurast.Client {
	t.Helper()
	client, err := acurast.Dial(ctx, url, options...)
	check(t, err)
	t.Cleanup(func() { client.Close() })
	return client
}

// pair is a client that serves and one that asks, both of which speak it.
func pair(t *testing.T) (ctx context.Context, server, asker *acurast.Client) {
	t.Helper()
	ctx, url := world(t)
	server = dial(ctx, t, url, spoken)
	check(t, server.Serve(methods))
	return ctx, server, dial(ctx, t, url, spoken)
}

func TestRequestsInMessagePack(t *testing.T) {
	ctx, server, asker := pair(t)
	var total int
	check(t, asker.Request(ctx, server.ID(), "add", []int{1, 2, 70000}, &total, acurast.InMessagePack()))
	var swapped sum
	check(t, asker.Request(ctx, server.ID(), "swap", sum{A: 1, B: 2}, &swapped, acurast.InMessagePack()))
	var raw []byte
	check(t, asker.Request(ctx, server.ID(), "bytes", nil, &raw, acurast.InMessagePack()))
	if total != 70003 || swapped != (sum{A: 2, B: 1}) || string(raw) != "\x00\xff" {
		t.Fatal(total, swapped, raw)
	}
	check(t, asker.Request(ctx, server.ID(), "nothing", nil, nil, acurast.InMessagePack()))
}

// The same handlers answer both, and who asks chooses for each request.
func TestBothEncodingsAreServed(t *testing.T) {
	ctx, server, asker := pair(t)
	var packed, plain bool
	check(t, asker.Request(ctx, server.ID(), "encoding", nil, &packed, acurast.InMessagePack()))
	check(t, asker.Request(ctx, server.ID(), "encoding", nil, &plain))
	var total int
	check(t, asker.Request(ctx, server.ID(), "add", []int{1, 2}, &total))
	if !packed || plain || total != 3 {
		t.Fatal(packed, plain, total)
	}
}

func TestErrorsAndProgressInMessagePack(t *testing.T) {
	ctx, server, asker := pair(t)
	var remote *acurast.RemoteError
	err := asker.Request(ctx, server.ID(), "refuse", nil, nil, acurast.InMessagePack())
	var data map[int]string
	if !errors.As(err, &remote) || remote.Code != 7 || remote.Message != "no" || msgpack.Unmarshal(remote.Data, &data) != nil || data[1] != "one" {
		t.Fatalf("%v, %v", err, data)
	}
	for method, code := range map[string]int64{
		"add": acurast.CodeInvalidParams, "nobody's": acurast.CodeMethodNotFound, "unspeakable": acurast.CodeServerError,
	} {
		err := asker.Request(ctx, server.ID(), method, sum{}, nil, acurast.InMessagePack())
		if !errors.As(err, &remote) || remote.Code != code {
			t.Errorf("%s: %v", method, err)
		}
	}
	var told []int
	var result string
	check(t, asker.Request(ctx, server.ID(), "count", nil, &result, acurast.InMessagePack(),
		acurast.OnProgress(func(value json.RawMessage) {
			var one sum
			check(t, msgpack.Unmarshal(value, &one))
			told = append(told, one.A)
		})))
	if result != "done" || len(told) != 3 || told[2] != 2 {
		t.Fatal(result, told)
	}
}

func TestManyAgreeInMessagePack(t *testing.T) {
	ctx, server, asker := pair(t)
	check(t, asker.Serve(methods))
	var total int
	answers, err := asker.RequestMany(ctx, []acurast.ID{server.ID(), asker.ID()}, "add", []int{1, 2}, &total,
		acurast.Agree(), acurast.InMessagePack())
	if err != nil || total != 3 || len(answers) != 2 {
		t.Fatal(answers, total, err)
	}
}

// What a program of MessagePack-RPC without this library sends, byte by byte.
func TestPayloadsOfMessagePackRPC(t *testing.T) {
	ctx, server, asker := pair(t)
	for payload, want := range map[string]string{
		"\x94\x00\x05\xa3add\x92\x01\x02":     "\x94\x01\x05\xc0\x03",         // [0, 5, "add", [1, 2]]: [1, 5, nil, 3]
		"\x94\x00\x06\xa7nothing\x90":         "\x94\x01\x06\xc0\xc0",         // no params
		"\x94\x00\xcd\x03\xe8\xa3add\x91\x04": "\x94\x01\xcd\x03\xe8\xc0\x04", // the id 1000
	} {
		check(t, asker.Send(ctx, server.ID(), []byte(payload)))
		message, err := asker.Receive(ctx)
		check(t, err)
		if string(message.Payload) != want {
			t.Errorf("%x: %x, not %x", payload, message.Payload, want)
		}
	}
}

func TestMessagePackHasToBeSpoken(t *testing.T) {
	ctx, url := world(t)
	server, speaker := dial(ctx, t, url), dial(ctx, t, url, spoken)
	check(t, server.Serve(methods))
	if err := server.Request(ctx, server.ID(), "add", nil, nil, acurast.InMessagePack()); !errors.Is(err, acurast.ErrInvalid) {
		t.Error(err)
	}
	var remote *acurast.RemoteError
	err := speaker.Request(ctx, server.ID(), "add", []int{1}, nil, acurast.InMessagePack())
	if !errors.As(err, &remote) || remote.Code != acurast.CodeInvalidRequest {
		t.Error(err)
	}
	for _, params := range []any{5, "text", true, []byte("bytes")} {
		if err := speaker.Request(ctx, server.ID(), "add", params, nil, acurast.InMessagePack()); !errors.Is(err, acurast.ErrInvalid) {
			t.Errorf("%v: %v", params, err)
		}
	}
	for _, option := range []acurast.ClientOption{acurast.WithMessagePack(nil, msgpack.Unmarshal), acurast.WithMessagePack(msgpack.Marshal, nil)} {
		if _, err := acurast.New("ws://127.0.0.1:1", option); !errors.Is(err, acurast.ErrInvalid) {
			t.Error(err)
		}
	}
}
