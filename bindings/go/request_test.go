package acurast_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	acurast "github.com/libacurast/libacurast/bindings/go"
)

// soon is much less than the time of a request.
const soon = 5 * time.Second

// methods are what the servers of these tests serve.
var methods = map[string]acurast.Handler{
	"echo": func(ctx context.Context, request *acurast.Request) (any, error) { return request.Raw, nil },
	"add": func(ctx context.Context, request *acurast.Request) (any, error) {
		var numbers []int
		if err := request.Params(&numbers); err != nil {
			return nil, err
		}
		sum := 0
		for _, each := range numbers {
			sum += each
		}
		return sum, nil
	},
	"who":     func(ctx context.Context, request *acurast.Request) (any, error) { return request.Sender, nil },
	"nothing": func(ctx context.Context, request *acurast.Request) (any, error) { return nil, nil },
	"never": func(ctx context.Context, request *acurast.Request) (any, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	},
	"refuse": func(ctx context.Context, request *acurast.Request) (any, error) {
		return nil, fmt.Errorf("wrapped: %w", &acurast.RPCError{Code: 7, Message: "no\x1b[2J", Data: map[string]int{"left": 3}})
	},
	"fail": func(ctx context.Context, request *acurast.Request) (any, error) {
		return nil, errors.New("secret 1234")
	},
	"panic": func(ctx context.Context, request *acurast.Request) (any, error) { panic("secret 1234") },
	"goexit": func(ctx context.Context, request *acurast.Request) (any, error) {
		runtime.Goexit()
		return nil, nil
	},
	"unspeakable": func(ctx context.Context, request *acurast.Request) (any, error) { return make(chan int), nil },
	"data": func(ctx context.Context, request *acurast.Request) (any, error) {
		return nil, &acurast.RPCError{Data: func() {}}
	},
	"deep": func(ctx context.Context, request *acurast.Request) (any, error) {
		return json.RawMessage(strings.Repeat("[", 100) + strings.Repeat("]", 100)), nil
	},
	"count": func(ctx context.Context, request *acurast.Request) (any, error) {
		for i := 0; i < 10; i++ {
			if err := request.Progress(i); err != nil {
				return nil, err
			}
		}
		return "done", nil
	},
}

// serve is a client that serves those methods, and what it logs.
func serve(t *testing.T, url string, options ...acurast.ClientOption) (*acurast.Client, *lockedBuffer) {
	t.Helper()
	logs := &lockedBuffer{}
	logger := slog.New(slog.NewTextHandler(logs, &slog.HandlerOptions{Level: slog.LevelWarn}))
	server := dial(t, url, append(options, acurast.WithLogger(logger))...)
	check(t, server.Serve(methods))
	return server, logs
}

// lockedBuffer is a buffer for several goroutines.
type lockedBuffer struct {
	mu    sync.Mutex
	bytes bytes.Buffer
}

func (b *lockedBuffer) Write(data []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.bytes.Write(data)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.bytes.String()
}

// ask is the result as JSON.
func ask(t *testing.T, asker, server *acurast.Client, method string, params any) string {
	t.Helper()
	var result json.RawMessage
	check(t, asker.Request(patient(t), server.ID(), method, params, &result))
	return string(result)
}

func failsRemotely(t *testing.T, err error, code int64) *acurast.RemoteError {
	t.Helper()
	var remote *acurast.RemoteError
	if !errors.As(err, &remote) || remote.Code != code || !errors.Is(err, acurast.ErrRemoteError) {
		t.Fatalf("%v (%T) is not the remote error %d", err, err, code)
	}
	return remote
}

func TestRequestIsAnswered(t *testing.T) {
	eachService(t, func(t *testing.T, url string) {
		server, _ := serve(t, url)
		asker := dial(t, url)
		for _, each := range []struct {
			method string
			params any
			want   string
		}{
			{"add", []int{1, 2, 3}, "6"},
			{"echo", struct {
				Name string `json:"name"`
			}{"<€>"}, `{"name":"\u003c€\u003e"}`},
			{"echo", map[string]int{"a": 1}, `{"a":1}`},
			{"echo", []any{}, "[]"},
			{"who", nil, strconv.Quote(asker.ID().String())},
			{"who", []int(nil), strconv.Quote(asker.ID().String())},
			{"nothing", nil, "null"},
		} {
			if got := ask(t, asker, server, each.method, each.params); got != each.want {
				t.Errorf("%s: %s, not %s", each.method, got, each.want)
			}
		}
		check(t, asker.Request(patient(t), server.ID(), "nothing", nil, nil))
		if got := ask(t, server, server, "add", []int{1}); got != "1" {
			t.Error("itself:", got)
		}
	})
}

func TestResultOfAnotherType(t *testing.T) {
	leakless(t)
	url := newService(t).URL()
	server, _ := serve(t, url)
	var text string
	var wrong *json.UnmarshalTypeError
	if err := server.Request(patient(t), server.ID(), "add", []int{1}, &text); !errors.As(err, &wrong) {
		t.Fatal(err)
	}
}

func TestRemoteErrors(t *testing.T) {
	eachService(t, func(t *testing.T, url string) {
		server, _ := serve(t, url)
		asker := dial(t, url)
		for method, code := range map[string]int64{"add": acurast.CodeInvalidParams, "nobody's": acurast.CodeMethodNotFound} {
			for _, params := range []any{nil, map[string]int{"a": 1}} {
				failsRemotely(t, asker.Request(patient(t), server.ID(), method, params, nil), code)
			}
		}
		remote := failsRemotely(t, asker.Request(patient(t), server.ID(), "refuse", nil, nil), 7)
		if remote.Message != "no\x1b[2J" || string(remote.Data) != `{"left":3}` || strings.ContainsRune(remote.Error(), 0x1b) {
			t.Fatalf("%+v: %q", remote, remote.Error())
		}
	})
}

// What a handler fails with is told to its own program, and not to the asker.
func TestHandlersThatFail(t *testing.T) {
	leakless(t)
	url := newService(t).URL()
	server, logs := serve(t, url)
	asker := dial(t, url)
	for method, logged := range map[string]string{
		"fail": "secret 1234", "panic": "panic: secret 1234", "goexit": "ended its goroutine", "unspeakable": "unsupported type",
		"data": "unsupported type", "deep": "deep",
	} {
		err := asker.Request(patient(t), server.ID(), method, nil, nil)
		remote := failsRemotely(t, err, acurast.CodeServerError)
		if remote.Message != "Server error" || remote.Data != nil {
			t.Errorf("%s: %+v", method, remote)
		}
		if text := logs.String(); !strings.Contains(text, "method="+method+" ") || !strings.Contains(text, logged) {
			t.Errorf("%s: %s", method, text)
		}
	}
}

// Without a logger it is one warning for each method.
func TestHandlersThatFailWithoutALogger(t *testing.T) {
	leakless(t)
	logs, before := &lockedBuffer{}, slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(logs, nil)))
	defer slog.SetDefault(before)
	server := dial(t, newService(t).URL())
	check(t, server.Serve(methods))
	for i := 0; i < 3; i++ {
		failsRemotely(t, server.Request(patient(t), server.ID(), "fail", nil, nil), acurast.CodeServerError)
	}
	if text := logs.String(); strings.Count(text, "secret 1234") != 1 {
		t.Fatal(text)
	}
}

func TestNobodyIsThereToAsk(t *testing.T) {
	leakless(t)
	asker := dial(t, newService(t).URL())
	begun := time.Now()
	wants(t, asker.Request(patient(t), acurast.ID{1}, "echo", nil, nil), acurast.ErrNotHere)
	if took := time.Since(begun); took > soon {
		t.Fatal(took)
	}
}

func TestContextEndsItsRequestAndNoOther(t *testing.T) {
	leakless(t)
	url := newService(t).URL()
	server, _ := serve(t, url)
	asker := dial(t, url, acurast.WithLinger(0))
	late, cancelLate := context.WithTimeout(patient(t), 50*time.Millisecond)
	defer cancelLate()
	wants(t, asker.Request(late, server.ID(), "never", nil, nil), acurast.ErrTimeout, context.DeadlineExceeded)

	ctx, cancel := context.WithCancel(patient(t))
	ends := in(func() error { return asker.Request(ctx, server.ID(), "never", nil, nil) })
	stays := in(func() error { return asker.Request(patient(t), server.ID(), "never", nil, nil) })
	waiting(t, asker, 2)
	cancel()
	wants(t, await(t, ends, "the request that is cancelled"), acurast.ErrCancelled, context.Canceled)
	waiting(t, asker, 1)
	select {
	case err := <-stays:
		t.Fatal(err)
	default:
	}
	asker.Close()
	wants(t, await(t, stays, "the other"), acurast.ErrClosed)
	wants(t, asker.Request(patient(t), server.ID(), "nothing", nil, nil), acurast.ErrClosed)
}

func TestProgressComesInOrderBeforeTheAnswer(t *testing.T) {
	eachService(t, func(t *testing.T, url string) {
		server, _ := serve(t, url)
		asker := dial(t, url)
		var got []string
		var result string
		check(t, asker.Request(patient(t), server.ID(), "count", nil, &result,
			acurast.OnProgress(func(value json.RawMessage) { got = append(got, string(value)) })))
		if strings.Join(got, "") != "0123456789" || result != "done" {
			t.Fatal(got, result)
		}
		if got := ask(t, asker, server, "count", nil); got != `"done"` {
			t.Fatal(got)
		}
	})
}

func TestProgressOfWhatIsOver(t *testing.T) {
	leakless(t)
	url := newService(t).URL()
	server := dial(t, url)
	kept := make(chan *acurast.Request, 1)
	check(t, server.Serve(map[string]acurast.Handler{"keep": func(ctx context.Context, request *acurast.Request) (any, error) {
		kept <- request
		return 1, nil
	}}))
	if got := ask(t, server, server, "keep", nil); got != "1" {
		t.Fatal(got)
	}
	request := await(t, kept, "the request")
	check(t, request.Progress(1))
	var wrong *json.UnsupportedTypeError
	if err := request.Progress(make(chan int)); !errors.As(err, &wrong) {
		t.Fatal(err)
	}
	server.Close()
	check(t, request.Progress(1))
}

// The context of a handler is done when its client closes, and the asker hears of it.
func TestServerThatCloses(t *testing.T) {
	leakless(t)
	url := newService(t).URL()
	server, asker := dial(t, url), dial(t, url)
	begun, over := make(chan struct{}, 1), make(chan struct{}, 1)
	check(t, server.Serve(map[string]acurast.Handler{"never": func(ctx context.Context, request *acurast.Request) (any, error) {
		begun <- struct{}{}
		<-ctx.Done()
		over <- struct{}{}
		return nil, ctx.Err()
	}}))
	asked := in(func() error { return asker.Request(patient(t), server.ID(), "never", nil, nil) })
	await(t, begun, "the handler")
	began := time.Now()
	server.Close()
	await(t, over, "the handler's end")
	wants(t, await(t, asked, "the asker"), acurast.ErrUndetermined)
	if took := time.Since(began); took > soon {
		t.Fatal(took)
	}
	wants(t, server.Serve(methods), acurast.ErrClosed)
}

func TestNotificationReachesItsHandler(t *testing.T) {
	leakless(t)
	url := newService(t).URL()
	server, asker := dial(t, url), dial(t, url)
	told := make(chan string, 1)
	check(t, server.Serve(map[string]acurast.Handler{"note": func(ctx context.Context, request *acurast.Request) (any, error) {
		told <- string(request.Raw)
		return "nobody hears it", nil
	}}))
	send(t, asker, server, `{"jsonrpc":"2.0","method":"note","params":[1]}`)
	if got := await(t, told, "the notification"); got != "[1]" {
		t.Fatal(got)
	}
	if got := ask(t, asker, server, "note", nil); got != `"nobody hears it"` {
		t.Fatal(got)
	}
	send(t, server, asker, "next")
	receiveText(t, asker, "next")
}

// Peers that know nothing of this library ask, and are asked.
func TestRequestsOfPlainPeers(t *testing.T) {
	for _, extensions := range []bool{true, false} {
		t.Run(strconv.FormatBool(extensions), func(t *testing.T) {
			leakless(t)
			url := newService(t, acurast.WithExtensions(extensions)).URL()
			server, _ := serve(t, url)
			old := dial(t, url, acurast.WithExtensions(false))
			send(t, old, server, `{"jsonrpc":"2.0","id":5,"method":"add","params":[1,2]}`)
			var answer struct{ ID, Result int }
			check(t, receive(t, old).JSON(&answer))
			if answer.ID != 5 || answer.Result != 3 {
				t.Fatal(answer)
			}
			if got := ask(t, old, server, "add", []int{4}); got != "4" {
				t.Fatal(got)
			}
			plain := dial(t, url, acurast.WithExtensions(false))
			check(t, plain.Serve(methods))
			if got := ask(t, server, plain, "add", []int{5}); got != "5" {
				t.Fatal(got)
			}
		})
	}
}

func TestMessagePackIsAnsweredWithAnError(t *testing.T) {
	leakless(t)
	url := newService(t).URL()
	server, _ := serve(t, url)
	asker := dial(t, url)
	send(t, asker, server, "\x94\x00\x05\xa3add\x91\x01") // [0, 5, "add", [1]]
	if got := receive(t, asker).Payload; !bytes.HasPrefix(got, []byte("\x94\x01\x05")) || !bytes.Contains(got, []byte("MessagePack")) {
		t.Fatalf("%q", got)
	}
}

func TestManyRequestsOfMany(t *testing.T) {
	eachService(t, func(t *testing.T, url string) {
		server, _ := serve(t, url, acurast.WithServeRunning(4), acurast.WithServeWaiting(4096), acurast.WithOutboxCount(4))
		var done []<-chan error
		for a := 0; a < 3; a++ {
			asker := dial(t, url, acurast.WithOutboxCount(8))
			for i := 0; i < 50; i++ {
				i, a := i, a
				done = append(done, in(func() error {
					var sum int
					err := asker.Request(patient(t), server.ID(), "add", []int{i, 1000 * a}, &sum)
					if err == nil && sum != i+1000*a {
						err = fmt.Errorf("%d is not the answer to %d and %d", sum, i, 1000*a)
					}
					return err
				}))
			}
		}
		for _, each := range done {
			check(t, await(t, each, "an answer"))
		}
	})
}

func TestServerIsBusy(t *testing.T) {
	leakless(t)
	url := newService(t).URL()
	server, _ := serve(t, url, acurast.WithServeRunning(1), acurast.WithServeWaiting(1))
	asker := dial(t, url)
	ctx, cancel := context.WithCancel(patient(t))
	defer cancel()
	answers := make(chan error, 3)
	for i := 0; i < 3; i++ {
		go func() { answers <- asker.Request(ctx, server.ID(), "never", nil, nil) }()
	}
	failsRemotely(t, await(t, answers, "the third"), acurast.CodeBusy)
	cancel()
	for i := 0; i < 2; i++ {
		wants(t, await(t, answers, "the others"), acurast.ErrCancelled)
	}
}

// What strangers send, and nobody takes, stops no answer.
func TestMessagesThatNobodyTakesStopNoAnswer(t *testing.T) {
	leakless(t)
	url := newService(t).URL()
	server, _ := serve(t, url, acurast.WithInbox(8, 1<<20))
	asker, stranger := dial(t, url, acurast.WithInbox(8, 1<<20)), dial(t, url)
	check(t, asker.Request(patient(t), server.ID(), "nothing", nil, nil))
	for i := 0; i < 50; i++ {
		sendUntil(t, stranger, acurast.Delivered, server.ID(), strconv.Itoa(i))
		sendUntil(t, stranger, acurast.Delivered, asker.ID(), strconv.Itoa(i))
	}
	check(t, asker.Request(patient(t), server.ID(), "nothing", nil, nil))
	receiveText(t, asker, "42") // of the last 8 the first
}

func TestMethodsAreServedAnewAndBeforeConnect(t *testing.T) {
	leakless(t)
	url := newService(t).URL()
	server, err := acurast.New(url, acurast.WithLinger(0))
	check(t, err)
	defer server.Close()
	say := func(what int) acurast.Handler {
		return func(context.Context, *acurast.Request) (any, error) { return what, nil }
	}
	wants(t, server.Request(patient(t), server.ID(), "a", nil, nil), acurast.ErrBadState)
	check(t, server.Serve(map[string]acurast.Handler{"a": say(1), "b": say(2)}))
	check(t, server.Connect(patient(t)))
	asker := dial(t, url)
	if got := ask(t, asker, server, "a", nil) + ask(t, asker, server, "b", nil); got != "12" {
		t.Fatal(got)
	}
	check(t, server.Serve(map[string]acurast.Handler{"b": say(3)}))
	if got := ask(t, asker, server, "a", nil) + ask(t, asker, server, "b", nil); got != "13" {
		t.Fatal(got)
	}
}

func TestClientThatServesIsNoGarbage(t *testing.T) {
	leakless(t)
	url := newService(t).URL()
	identity := newIdentity(t, acurast.P256)
	func() {
		client, err := acurast.Dial(patient(t), url, acurast.WithIdentity(identity))
		check(t, err)
		check(t, client.Serve(map[string]acurast.Handler{"ping": methods["nothing"]})) // which has no pointer to the client
	}()
	asker := dial(t, url)
	for i := 0; i < 20; i++ {
		runtime.GC()
		check(t, asker.Request(patient(t), identity.ID(), "ping", nil, nil))
	}
	dial(t, url, acurast.WithIdentity(identity)) // which takes over, and so ends it
}

func TestRequestGoesOnAfterANewService(t *testing.T) {
	eachHost(t, func(t *testing.T, start host) {
		leakless(t)
		url, stop := start(t, anywhere)
		quick := []acurast.ClientOption{acurast.WithBackoffMin(time.Millisecond), acurast.WithBackoffMax(20 * time.Millisecond)}
		server, _ := serve(t, url, quick...)
		asker := dial(t, url, quick...)
		check(t, asker.Request(patient(t), server.ID(), "nothing", nil, nil))
		stop()
		eventually(t, "the connections end", func() error {
			if asker.State() == acurast.Connected || server.State() == acurast.Connected {
				return errors.New("connected")
			}
			return nil
		})
		start(t, addressOf(url))
		check(t, server.Connect(patient(t)))
		if got := ask(t, asker, server, "add", []int{1}); got != "1" {
			t.Fatal(got)
		}
	})
}

// Where nobody tells what became of a request, it is sent again after a reconnect only if it may be executed twice.
func TestRetryIsExecutedAgain(t *testing.T) {
	leakless(t)
	service := newService(t, acurast.WithExtensions(false))
	quick := []acurast.ClientOption{acurast.WithBackoffMin(time.Millisecond), acurast.WithBackoffMax(20 * time.Millisecond)}
	server, asker := dial(t, service.URL(), quick...), dial(t, service.URL(), quick...)
	begun := make(chan string, 4)
	check(t, server.Serve(map[string]acurast.Handler{"second": func(ctx context.Context, request *acurast.Request) (any, error) {
		begun <- string(request.Raw)
		if len(begun) < 3 {
			<-ctx.Done()
		}
		return nil, nil
	}}))
	ctx, cancel := context.WithCancel(patient(t))
	once := in(func() error { return asker.Request(ctx, server.ID(), "second", []int{1}, nil) })
	twice := in(func() error {
		return asker.Request(patient(t), server.ID(), "second", []int{2}, nil, acurast.WithRetry())
	})
	eventually(t, "both are begun", func() error {
		if len(begun) < 2 {
			return errors.New("not begun")
		}
		return nil
	})
	service.Close()
	newService(t, acurast.WithExtensions(false), acurast.WithListen(addressOf(service.URL())))
	check(t, await(t, twice, "what may be executed twice"))
	cancel()
	wants(t, await(t, once, "what may not, and whose answer may still come"), acurast.ErrCancelled)
	for i := 0; i < 2; i++ {
		await(t, begun, "what was executed at first")
	}
	if again := await(t, begun, "what was executed again"); again != "[2]" || len(begun) > 0 {
		t.Fatal(again)
	}
}

func TestWrongArgumentsOfRequests(t *testing.T) {
	leakless(t)
	client := dial(t, newService(t).URL())
	ctx := patient(t)
	nothing := methods["nothing"]
	for name, err := range map[string]error{
		"no name":       client.Request(ctx, client.ID(), "", nil, nil),
		"a 0":           client.Request(ctx, client.ID(), "a\x00b", nil, nil),
		"a long name":   client.Request(ctx, client.ID(), strings.Repeat("a", 256), nil, nil),
		"no UTF-8":      client.Request(ctx, client.ID(), "\xff", nil, nil),
		"a number":      client.Request(ctx, client.ID(), "a", 5, nil),
		"a text":        client.Request(ctx, client.ID(), "a", "text", nil),
		"need":          client.Request(ctx, client.ID(), "a", nil, nil, acurast.Need(1)),
		"agree":         client.Request(ctx, client.ID(), "a", nil, nil, acurast.Agree()),
		"serve no name": client.Serve(map[string]acurast.Handler{"": nothing}),
		"serve a 0":     client.Serve(map[string]acurast.Handler{"a\x00b": nothing}),
		"serve rpc":     client.Serve(map[string]acurast.Handler{"rpc.a": nothing}),
		"serve nil":     client.Serve(map[string]acurast.Handler{"a": nil}),
		"serve long":    client.Serve(map[string]acurast.Handler{strings.Repeat("a", 256): nothing}),
	} {
		if !errors.Is(err, acurast.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	var wrong *json.UnsupportedTypeError
	if err := client.Request(ctx, client.ID(), "a", []any{make(chan int)}, nil); !errors.As(err, &wrong) {
		t.Error(err)
	}
}
