package acurast_test

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"testing"

	acurast "github.com/libacurast/libacurast/bindings/go"
	"github.com/libacurast/libacurast/bindings/go/internal/core"
)

func newEngine(t *testing.T, options ...acurast.EngineOption) *acurast.Engine {
	t.Helper()
	engine, err := acurast.NewEngine(options...)
	check(t, err)
	return engine
}

// lineKeeper is a slog.Handler that keeps what comes.
type lineKeeper struct {
	mu    sync.Mutex
	lines []string
	gate  chan struct{} // where there is one, each line waits until it is closed
	came  chan struct{} // where there is one, it is told of the first line
	once  sync.Once
}

func (k *lineKeeper) Enabled(context.Context, slog.Level) bool { return true }
func (k *lineKeeper) WithAttrs([]slog.Attr) slog.Handler       { return k }
func (k *lineKeeper) WithGroup(string) slog.Handler            { return k }

func (k *lineKeeper) Handle(_ context.Context, record slog.Record) error {
	if k.gate != nil {
		k.once.Do(func() { close(k.came) })
		<-k.gate
	}
	line := record.Level.String() + " " + record.Message
	record.Attrs(func(attr slog.Attr) bool {
		line += " " + attr.String()
		return true
	})
	k.mu.Lock()
	defer k.mu.Unlock()
	k.lines = append(k.lines, line)
	return nil
}

func (k *lineKeeper) text() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return strings.Join(k.lines, "\n")
}

func (k *lineKeeper) count() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.lines)
}

func TestEngineWithOptions(t *testing.T) {
	leakless(t)
	engine := newEngine(t, acurast.WithThreads(3))
	service := newService(t, acurast.WithEngine(engine))
	one, two := dial(t, service.URL(), acurast.WithEngine(engine)), dial(t, service.URL(), acurast.WithEngine(engine))
	send(t, one, two, "on three threads")
	receiveText(t, two, "on three threads")
}

func TestEngineWithBadOptions(t *testing.T) {
	leakless(t)
	for _, option := range []acurast.EngineOption{acurast.WithThreads(-1), acurast.WithThreads(257), acurast.WithLogLevel("loud"),
		acurast.WithLogLevel("")} {
		engine, err := acurast.NewEngine(option)
		if engine != nil {
			t.Fatal("there is an engine")
		}
		wants(t, err, acurast.ErrBadOption)
	}
}

func TestSeveralEngines(t *testing.T) {
	eachService(t, func(t *testing.T, url string) {
		clients := make([]*acurast.Client, 3)
		for i := range clients {
			clients[i] = dial(t, url, acurast.WithEngine(newEngine(t)))
		}
		for i, from := range clients {
			to := clients[(i+1)%len(clients)]
			send(t, from, to, strconv.Itoa(i))
			receiveText(t, to, strconv.Itoa(i))
		}
		clients[0].Close()
		send(t, clients[1], clients[2], "the others go on")
		receiveText(t, clients[2], "the others go on")
	})
}

// An engine without clients and services is nothing, and can be used again.
func TestEngineGoesAndComesBack(t *testing.T) {
	eachService(t, func(t *testing.T, url string) {
		dial(t, url).Close() // the service's own engine runs
		engine := newEngine(t)
		for i := 0; i < 5; i++ {
			t.Run(strconv.Itoa(i), func(t *testing.T) {
				leakless(t)
				client := dial(t, url, acurast.WithEngine(engine))
				send(t, client, client, "back")
				receiveText(t, client, "back")
			})
		}
	})
}

// The last client closes an engine while others enter it.
func TestEngineThatComesAndGoesAtOnce(t *testing.T) {
	leakless(t)
	engine := newEngine(t)
	check(t, each(8, func(i int) error {
		for j := 0; j < 50; j++ {
			client, err := acurast.New("ws://127.0.0.1:1", acurast.WithEngine(engine))
			if err != nil {
				return err
			}
			client.Close()
		}
		return nil
	}))
}

func TestFailedClientLeavesNoEngine(t *testing.T) {
	leakless(t)
	before := core.LiveObjects()
	_, err := acurast.New("http://127.0.0.1:1", acurast.WithEngine(newEngine(t)))
	wants(t, err, acurast.ErrBadOption)
	if now := core.LiveObjects(); now != before {
		t.Fatalf("%d objects, %d before", now, before)
	}
}

func TestLogger(t *testing.T) {
	leakless(t)
	engine := newEngine(t, acurast.WithLogLevel("debug"))
	ofService, ofClient := &lineKeeper{}, &lineKeeper{}
	service := newService(t, acurast.WithEngine(engine), acurast.WithLogger(slog.New(ofService)))
	client := dial(t, service.URL(), acurast.WithEngine(engine), acurast.WithLogger(slog.New(ofClient)))
	holds := func(keeper *lineKeeper, parts ...string) {
		t.Helper()
		eventually(t, "the line of log", func() error {
			for _, line := range strings.Split(keeper.text(), "\n") {
				if hasAll(line, parts) {
					return nil
				}
			}
			return fmt.Errorf("none with %q in\n%s", parts, keeper.text())
		})
	}
	holds(ofService, "INFO what=listening")
	holds(ofClient, "INFO connected to "+service.URL(), "client="+client.ID().String())
	client.Close()
	service.Close()
	holds(ofService, "INFO what=closed", "service="+service.URL())
}

func hasAll(line string, parts []string) bool {
	for _, part := range parts {
		if !strings.Contains(line, part) {
			return false
		}
	}
	return true
}

func TestLogLevel(t *testing.T) {
	leakless(t)
	keeper := &lineKeeper{}
	service := newService(t, acurast.WithEngine(newEngine(t, acurast.WithLogLevel("error"))), acurast.WithLogger(slog.New(keeper)))
	dial(t, service.URL()).Close()
	service.Close()
	if keeper.count() > 0 {
		t.Fatal(keeper.text())
	}
}

// A handler that blocks holds up nothing but log lines.
func TestBlockingLoggerStallsNobody(t *testing.T) {
	leakless(t)
	engine := newEngine(t, acurast.WithLogLevel("debug"))
	keeper := &lineKeeper{gate: make(chan struct{}), came: make(chan struct{})}
	service := newService(t, acurast.WithEngine(engine), acurast.WithLogger(slog.New(keeper)))
	await(t, in(func() bool { <-keeper.came; return true }), "the first line")
	for i := 0; i < 300; i++ { // each writes lines, more than are kept
		client := dial(t, service.URL(), acurast.WithEngine(engine), acurast.WithLogger(slog.New(keeper)))
		send(t, client, client, "hello")
		receiveText(t, client, "hello")
		client.Close()
	}
	service.Close()
	if keeper.count() > 0 {
		t.Fatal("the handler did not block")
	}
	close(keeper.gate)
	eventually(t, "the lines come", func() error {
		if keeper.count() < 100 {
			return fmt.Errorf("%d lines", keeper.count())
		}
		return nil
	})
}
