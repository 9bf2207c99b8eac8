package acurast_test

import (
	"context"
	"errors"
	"net"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	acurast "github.com/libacurast/libacurast/bindings/go"
)

func TestDial(t *testing.T) {
	eachService(t, func(t *testing.T, url string) {
		client := dial(t, " ,"+url+" ,")
		if client.State() != acurast.Connected || client.Err() != nil {
			t.Fatalf("%v, %v", client.State(), client.Err())
		}
		id, err := client.PublicKey().ID()
		check(t, err)
		if id != client.ID() {
			t.Fatalf("%v is not the id of its key, %v", client.ID(), id)
		}
		check(t, client.Connect(patient(t))) // again, it only waits
		figures, err := client.Stats()
		check(t, err)
		if figures.Connections != 1 {
			t.Fatalf("%+v", figures)
		}
	})
}

func TestDialGoesToTheNextService(t *testing.T) {
	eachService(t, func(t *testing.T, url string) {
		client := dial(t, nowhere(t)+","+url)
		send(t, client, client, "to myself")
		receiveText(t, client, "to myself")
	})
}

func TestDialWithBadArguments(t *testing.T) {
	leakless(t)
	closed := newIdentity(t, acurast.P256)
	closed.Close()
	for name, each := range map[string]struct {
		url    string
		option acurast.ClientOption
		want   error
	}{
		"no URL":          {"", acurast.WithLinger(0), acurast.ErrBadOption},
		"another scheme":  {"http://127.0.0.1:1", acurast.WithLinger(0), acurast.ErrBadOption},
		"out of range":    {"ws://127.0.0.1:1", acurast.WithOutboxCount(0), acurast.ErrBadOption},
		"no engine":       {"ws://127.0.0.1:1", acurast.WithEngine(nil), acurast.ErrInvalid},
		"no identity":     {"ws://127.0.0.1:1", acurast.WithIdentity(nil), acurast.ErrInvalid},
		"an empty inbox":  {"ws://127.0.0.1:1", acurast.WithInbox(0, 1), acurast.ErrInvalid},
		"an inbox of 0 B": {"ws://127.0.0.1:1", acurast.WithInbox(1, 0), acurast.ErrInvalid},
		"secp256k1":       {"ws://127.0.0.1:1", acurast.WithIdentity(newIdentity(t, acurast.Secp256k1)), acurast.ErrUnsupported},
		"a closed key":    {"ws://127.0.0.1:1", acurast.WithIdentity(closed), acurast.ErrClosed},
		"no CA":           {"wss://127.0.0.1:1", acurast.WithCAPEM("no certificate"), acurast.ErrBadOption},
		"a missing CA":    {"wss://127.0.0.1:1", acurast.WithCAFile("/nonexistent/ca.pem"), acurast.ErrBadOption},
	} {
		t.Run(name, func(t *testing.T) {
			client, err := acurast.Dial(patient(t), each.url, each.option)
			if client != nil {
				t.Fatal("there is a client")
			}
			wants(t, err, each.want)
		})
	}
}

func TestDialEndsWithItsContext(t *testing.T) {
	leakless(t)
	silent, err := net.Listen("tcp", anywhere) // takes connections, and says nothing
	check(t, err)
	defer silent.Close()
	for name, url := range map[string]string{"nobody there": nowhere(t), "a silent server": "ws://" + silent.Addr().String()} {
		t.Run(name+", cancelled", func(t *testing.T) {
			ctx, cancel := context.WithCancel(context.Background())
			ended := in(func() error {
				_, err := acurast.Dial(ctx, url)
				return err
			})
			cancel()
			err := await(t, ended, "Dial")
			wants(t, err, acurast.ErrCancelled, context.Canceled)
		})
		t.Run(name+", expired", func(t *testing.T) {
			ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
			defer cancel()
			_, err := acurast.Dial(ctx, url)
			wants(t, err, acurast.ErrTimeout, context.DeadlineExceeded)
			var timeout net.Error
			if !errors.As(err, &timeout) || !timeout.Timeout() {
				t.Fatalf("%v is no net.Error that is a timeout", err)
			}
		})
	}
}

func TestWhatEndsInTimeTellsTheLastFailure(t *testing.T) {
	leakless(t)
	client := lonely(t, nowhere(t), acurast.WithOutboxCount(1), acurast.WithSendTimeout(20*time.Millisecond))
	reaches(t, client.States(context.Background()), acurast.Disconnected)
	tells := func(err error, targets ...error) {
		t.Helper()
		wants(t, err, targets...)
		if !strings.Contains(err.Error(), "the service could not be reached") {
			t.Fatalf("%q does not say that the service could not be reached", err)
		}
	}
	soon := func() context.Context {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		t.Cleanup(cancel)
		return ctx
	}
	tells(client.Connect(soon()), acurast.ErrTimeout, context.DeadlineExceeded)
	tells(client.Send(soon(), client.ID(), nil), acurast.ErrTimeout, context.DeadlineExceeded)
	tells(client.Send(context.Background(), client.ID(), nil), acurast.ErrExpired)
	check(t, client.Enqueue(patient(t), client.ID(), nil)) // which fills the outbox
	tells(client.Enqueue(soon(), client.ID(), nil), acurast.ErrTimeout, context.DeadlineExceeded)
}

func TestConnectGoesOnWithoutItsContext(t *testing.T) {
	eachHost(t, func(t *testing.T, start host) {
		leakless(t)
		url := nowhere(t)
		client := lonely(t, url)
		start(t, addressOf(url))
		check(t, client.Connect(patient(t)))
	})
}

func TestDeniedClient(t *testing.T) {
	eachHost(t, func(t *testing.T, start host) {
		leakless(t)
		identity := newIdentity(t, acurast.P256)
		url, _ := start(t, anywhere, identity.ID().String())
		_, err := acurast.Dial(patient(t), url, acurast.WithIdentity(identity))
		wants(t, err, acurast.ErrDenied)

		client, err := acurast.New(url, acurast.WithIdentity(identity))
		check(t, err)
		defer client.Close()
		changes := client.States(context.Background())
		wants(t, client.Connect(patient(t)), acurast.ErrDenied)
		wants(t, client.Err(), acurast.ErrDenied)
		wants(t, client.Send(patient(t), client.ID(), nil), acurast.ErrDenied)
		_, err = client.Receive(patient(t))
		wants(t, err, acurast.ErrDenied)
		awaitEnd(t, client.Messages(), "its messages")
		all := awaitEnd(t, changes, "its states")
		if last := all[len(all)-1]; last.State != acurast.Closed || last.CloseCode != 4003 || !errors.Is(last.Err, acurast.ErrDenied) {
			t.Fatalf("%+v", last)
		}
		dial(t, url) // another key
	})
}

func TestReplacedClient(t *testing.T) {
	eachService(t, func(t *testing.T, url string) {
		identity := newIdentity(t, acurast.P256)
		first := dial(t, url, acurast.WithIdentity(identity))
		messages := first.Messages()
		waits := in(func() error {
			_, err := first.Receive(patient(t))
			return err
		})
		second := dial(t, url, acurast.WithIdentity(identity))
		awaitEnd(t, messages, "the first one's messages")
		wants(t, first.Err(), acurast.ErrReplaced)
		wants(t, await(t, waits, "Receive"), acurast.ErrReplaced)
		wants(t, first.Connect(patient(t)), acurast.ErrReplaced)
		send(t, second, second, "goes on")
		receiveText(t, second, "goes on")
	})
}

func TestIdentityMayBeClosedAfterwards(t *testing.T) {
	eachService(t, func(t *testing.T, url string) {
		for _, kind := range []acurast.KeyKind{acurast.P256, acurast.Ed25519} {
			identity := newIdentity(t, kind)
			id := identity.ID()
			client, err := acurast.New(url, acurast.WithIdentity(identity))
			check(t, err)
			defer client.Close()
			identity.Close()
			check(t, client.Connect(patient(t)))
			if client.ID() != id {
				t.Fatalf("%v is not %v", client.ID(), id)
			}
		}
	})
}

func TestExtensions(t *testing.T) {
	eachService(t, func(t *testing.T, url string) {
		bare := dial(t, url, acurast.WithExtensions(false))
		send(t, bare, bare, "as the vendor's client does")
		receiveText(t, bare, "as the vendor's client does")
		_, err := acurast.Dial(patient(t), url, acurast.WithExtensions(false), acurast.WithIdentity(newIdentity(t, acurast.Ed25519)))
		wants(t, err, acurast.ErrUnsupported)
	})
}

func TestStates(t *testing.T) {
	eachHost(t, func(t *testing.T, start host) {
		leakless(t)
		url, stop := start(t, anywhere)
		client, err := acurast.New(url, acurast.WithBackoffMax(50*time.Millisecond))
		check(t, err)
		defer client.Close()
		if client.State() != acurast.Idle {
			t.Fatal(client.State())
		}
		changes, steps := client.States(context.Background()), client.States(context.Background())
		check(t, client.Connect(patient(t)))
		if change := reaches(t, steps, acurast.Connected); change.URL != url || change.Err != nil {
			t.Fatalf("%+v is not about %s", change, url)
		}
		stop()
		lost := reaches(t, steps, acurast.Disconnected)
		wants(t, lost.Err, acurast.ErrDraining)
		if lost.CloseCode != 1001 || lost.Retry < 0 || lost.URL != url {
			t.Fatalf("%#v", lost)
		}
		start(t, addressOf(url))
		reaches(t, steps, acurast.Connected)
		client.Close()
		wantStates(t, awaitEnd(t, changes, "the states"),
			`^connecting authenticating connected disconnected (connecting (authenticating )?disconnected )*connecting authenticating connected closed $`)
		if late := awaitEnd(t, client.States(context.Background()), "the states after the end"); len(late) > 0 {
			t.Fatalf("%+v", late)
		}
	})
}

func wantStates(t *testing.T, changes []acurast.StateChange, pattern string) {
	t.Helper()
	names := ""
	for _, change := range changes {
		names += change.State.String() + " "
	}
	if !regexp.MustCompile(pattern).MatchString(names) {
		t.Fatalf("%s", names)
	}
}

func TestCloseManyTimes(t *testing.T) {
	eachService(t, func(t *testing.T, url string) {
		client := dial(t, url)
		messages, changes := client.Messages(), client.States(context.Background())
		var group sync.WaitGroup
		for i := 0; i < 16; i++ {
			group.Add(1)
			go func() {
				defer group.Done()
				if err := client.Close(); err != nil || client.State() != acurast.Closed {
					t.Errorf("%v, %v", err, client.State())
				}
			}()
		}
		group.Wait()
		awaitEnd(t, messages, "its messages")
		wantStates(t, awaitEnd(t, changes, "its states"), "^closed $")
		if client.Err() != nil {
			t.Fatalf("%v, though it was closed by call", client.Err())
		}
	})
}

func TestCallsAfterClose(t *testing.T) {
	eachService(t, func(t *testing.T, url string) {
		ctx := patient(t)
		closed := dial(t, url)
		closed.Close()
		never, err := acurast.New(url)
		check(t, err)
		wants(t, never.Send(ctx, never.ID(), nil), acurast.ErrBadState)
		never.Close()
		for _, client := range []*acurast.Client{closed, never} {
			_, received := client.Receive(ctx)
			_, figures := client.Stats()
			for _, err := range []error{received, figures, client.Connect(ctx), client.Send(ctx, client.ID(), nil),
				client.Enqueue(ctx, client.ID(), nil), client.SendJSON(ctx, client.ID(), 1)} {
				wants(t, err, acurast.ErrClosed)
			}
			awaitEnd(t, client.Messages(), "messages of a closed client")
			client.Handle(func(context.Context, acurast.Message) { t.Error("a message of a closed client") })
		}
	})
}

func TestCloseEndsWhatWaits(t *testing.T) {
	leakless(t)
	client := lonely(t, nowhere(t), acurast.WithOutboxCount(1))
	ctx := patient(t)
	inOutbox := in(func() error { return client.Send(ctx, client.ID(), nil) })
	waiting(t, client, 1)
	forRoom := in(func() error { return client.Send(ctx, client.ID(), nil) })
	connects := in(func() error { return client.Connect(ctx) })
	receives := in(func() error {
		_, err := client.Receive(ctx)
		return err
	})
	client.Close()
	for name, ended := range map[string]<-chan error{"Send in the outbox": inOutbox, "Send for room": forRoom, "Connect": connects,
		"Receive": receives} {
		wants(t, await(t, ended, name), acurast.ErrClosed)
	}
}

func TestCloseInAHandler(t *testing.T) {
	eachService(t, func(t *testing.T, url string) {
		client := dial(t, url)
		closed := make(chan error, 1)
		client.Handle(func(ctx context.Context, _ acurast.Message) {
			err := client.Close()
			<-ctx.Done()
			closed <- err
		})
		send(t, client, client, "close")
		check(t, await(t, closed, "Close in a handler"))
	})
}

func TestCloseWritesWhatWaits(t *testing.T) {
	eachService(t, func(t *testing.T, url string) {
		to, from := dial(t, url), dial(t, url)
		for i := 0; i < 100; i++ {
			check(t, from.Enqueue(patient(t), to.ID(), []byte{byte(i)}))
		}
		from.Close()
		for i := 0; i < 100; i++ {
			if message := receive(t, to); message.Payload[0] != byte(i) {
				t.Fatalf("%d came, not %d", message.Payload[0], i)
			}
		}
	})
}
