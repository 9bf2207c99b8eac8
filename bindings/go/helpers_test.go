package acurast_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	acurast "github.com/libacurast/libacurast/bindings/go"
	"github.com/libacurast/libacurast/bindings/go/internal/core"
	"go.uber.org/goleak"
)

// patience bounds every wait. It is long for a machine that is busy; what is waited for comes much sooner.
const patience = 30 * time.Second

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// leakless is the first line of a test: once it is over, there are no more goroutines and no more objects of the core than before.
func leakless(t *testing.T) {
	t.Helper()
	before, running := core.LiveObjects(), goleak.IgnoreCurrent()
	t.Cleanup(func() {
		if t.Failed() {
			return // which says more
		}
		eventually(t, "every object of the core is gone", func() error {
			if now := core.LiveObjects(); now > before {
				return fmt.Errorf("%d objects, %d before", now, before)
			}
			return nil
		})
		eventually(t, "every goroutine is gone", func() error { return goleak.Find(running) })
	})
}

// eventually asks again and again until there is no error.
func eventually(t *testing.T, what string, ask func() error) {
	t.Helper()
	end := time.Now().Add(patience)
	for {
		err := ask()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("not in time: %s: %v", what, err)
		}
		time.Sleep(time.Millisecond)
	}
}

// patient is a context for all that should end well.
func patient(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// await takes what a channel brings.
func await[T any](t *testing.T, from <-chan T, what string) T {
	t.Helper()
	select {
	case value, open := <-from:
		if !open {
			t.Fatalf("the channel is closed: %s", what)
		}
		return value
	case <-time.After(patience):
		t.Fatalf("not in time: %s", what)
		panic("not reached")
	}
}

// awaitEnd takes what a channel brings until it is closed.
func awaitEnd[T any](t *testing.T, from <-chan T, what string) []T {
	t.Helper()
	var all []T
	late := time.After(patience)
	for {
		select {
		case value, open := <-from:
			if !open {
				return all
			}
			all = append(all, value)
		case <-late:
			t.Fatalf("not closed in time: %s", what)
		}
	}
}

// in runs a function in a goroutine, and hands out what it returns.
func in[T any](work func() T) <-chan T {
	done := make(chan T, 1)
	go func() { done <- work() }()
	return done
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wants fails where an error is not all of those, or is none of the package's own.
func wants(t *testing.T, err error, targets ...error) {
	t.Helper()
	var own *acurast.Error
	if !errors.As(err, &own) {
		t.Fatalf("%v (%T) is no *acurast.Error", err, err)
	}
	for _, target := range targets {
		if !errors.Is(err, target) {
			t.Fatalf("%q is not %q", err, target)
		}
	}
}

// ---- services ----

// A host is a way to have a service. It listens on an address, and denies ids.
type host func(t *testing.T, listen string, denied ...string) (url string, stop func())

// anywhere is a free port of this machine.
const anywhere = "127.0.0.1:0"

// eachHost runs a test with a service in this process, and with one that is a program of its own.
func eachHost(t *testing.T, test func(t *testing.T, start host)) {
	t.Run("embedded", func(t *testing.T) { test(t, embedded) })
	t.Run("program", func(t *testing.T) { test(t, program) })
}

// eachService is eachHost for who wants nothing but a URL.
func eachService(t *testing.T, test func(t *testing.T, url string)) {
	eachHost(t, func(t *testing.T, start host) {
		leakless(t)
		url, _ := start(t, anywhere)
		test(t, url)
	})
}

func embedded(t *testing.T, listen string, denied ...string) (string, func()) {
	t.Helper()
	service := newService(t, acurast.WithListen(listen), acurast.WithDeny(denied...))
	return service.URL(), func() { service.Close() }
}

func newService(t *testing.T, options ...acurast.ServiceOption) *acurast.Service {
	t.Helper()
	service, err := acurast.NewService(options...)
	check(t, err)
	t.Cleanup(func() { service.Close() })
	return service
}

// programPath is where acurast-service is; the test is skipped where it is not.
func programPath(t *testing.T) string {
	t.Helper()
	folder := os.Getenv("ACURAST_BIN")
	if folder == "" {
		folder = filepath.Join("..", "..", "build", "bin")
	}
	path := filepath.Join(folder, "acurast-service")
	if _, err := os.Stat(path); err != nil {
		t.Skipf("the program acurast-service is not built (ACURAST_BIN names its folder): %v", err)
	}
	return path
}

func program(t *testing.T, listen string, denied ...string) (string, func()) {
	t.Helper()
	arguments := []string{"--listen", listen}
	for _, id := range denied {
		arguments = append(arguments, "--deny", id)
	}
	command := exec.Command(programPath(t), arguments...)
	command.Stderr = os.Stderr
	out, err := command.StdoutPipe()
	check(t, err)
	check(t, command.Start())
	stopped := false
	stop := func() {
		if !stopped {
			stopped = true
			command.Process.Signal(syscall.SIGTERM)
			command.Wait()
		}
	}
	t.Cleanup(stop)
	line, err := bufio.NewReader(out).ReadString('\n')
	check(t, err)
	return strings.TrimSpace(strings.TrimPrefix(line, "listening on ")), stop
}

// addressOf is what a service has to listen on to be at a URL.
func addressOf(url string) string { return strings.TrimPrefix(url, "ws://") }

// nowhere is the URL of a port at which nobody listens.
func nowhere(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", anywhere)
	check(t, err)
	defer listener.Close()
	return "ws://" + listener.Addr().String()
}

// ---- clients ----

func dial(t *testing.T, url string, options ...acurast.ClientOption) *acurast.Client {
	t.Helper()
	client, err := acurast.Dial(patient(t), url, options...)
	check(t, err)
	t.Cleanup(func() { client.Close() })
	return client
}

// lonely is a client that looks in vain for a service at a URL, and often.
func lonely(t *testing.T, url string, options ...acurast.ClientOption) *acurast.Client {
	t.Helper()
	often := []acurast.ClientOption{acurast.WithBackoffMax(50 * time.Millisecond), acurast.WithBackoffMin(10 * time.Millisecond),
		acurast.WithLinger(0)}
	client, err := acurast.New(url, append(often, options...)...)
	check(t, err)
	t.Cleanup(func() { client.Close() })
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	wants(t, client.Connect(ctx), acurast.ErrCancelled, context.Canceled)
	return client
}

// echo answers every message with itself.
func echo(t *testing.T, url string, options ...acurast.ClientOption) *acurast.Client {
	t.Helper()
	client := dial(t, url, options...)
	client.Handle(func(ctx context.Context, message acurast.Message) {
		client.Enqueue(ctx, message.Sender, message.Payload)
	})
	return client
}

func send(t *testing.T, from, to *acurast.Client, text string) {
	t.Helper()
	check(t, from.Send(patient(t), to.ID(), []byte(text)))
}

func receive(t *testing.T, client *acurast.Client) acurast.Message {
	t.Helper()
	message, err := client.Receive(patient(t))
	check(t, err)
	return message
}

func receiveText(t *testing.T, client *acurast.Client, want string) {
	t.Helper()
	if got := receive(t, client).Text(); got != want {
		t.Fatalf("%q came, not %q", got, want)
	}
}

// waiting waits until so many sends are in a client's outbox.
func waiting(t *testing.T, client *acurast.Client, count uint64) {
	t.Helper()
	eventually(t, fmt.Sprintf("%d sends wait", count), func() error {
		figures, err := client.Stats()
		if err == nil && figures.OutboxCount != count {
			err = fmt.Errorf("%d wait", figures.OutboxCount)
		}
		return err
	})
}

// arrived waits until a client has got so many payloads.
func arrived(t *testing.T, client *acurast.Client, count uint64) {
	t.Helper()
	eventually(t, "payloads that came", func() error {
		figures, err := client.Stats()
		if err == nil && figures.PayloadsIn != count {
			err = fmt.Errorf("%+v", figures)
		}
		return err
	})
}

// reaches waits for a state, and returns the change to it.
func reaches(t *testing.T, changes <-chan acurast.StateChange, state acurast.State) acurast.StateChange {
	t.Helper()
	for {
		if change := await(t, changes, state.String()); change.State == state {
			return change
		}
	}
}

func newIdentity(t *testing.T, kind acurast.KeyKind) *acurast.Identity {
	t.Helper()
	identity, err := acurast.NewIdentity(kind)
	check(t, err)
	t.Cleanup(func() { identity.Close() })
	return identity
}
