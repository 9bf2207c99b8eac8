package acurast

import (
	"context"
	"errors"
	"testing"

	"github.com/libacurast/libacurast/bindings/go/internal/core"
	"go.uber.org/goleak"
)

// idle is a client that was not told to connect.
func idle(t *testing.T) *Client {
	t.Helper()
	client, err := New("ws://127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// A newer core may tell of what this package does not know.
func TestEventsOfUnknownKindAreIgnored(t *testing.T) {
	defer goleak.VerifyNone(t)
	client := idle(t)
	defer client.Close()
	before := client.State()
	client.onEvent(&core.Event{Kind: 99, Token: 12345, State: core.StateClosed, Status: core.Cancelled})
	if client.State() != before || client.Err() != nil {
		t.Fatal(client.State(), client.Err())
	}
}

// The outcome of a payload that is being written does not come at once. Whoever cancels does not wait for it for ever.
func TestCancellingIsNotHeldUp(t *testing.T) {
	defer goleak.VerifyNone(t)
	client := idle(t)
	defer client.Close()
	pending := client.sends.begin()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := client.await(ctx, pending, 1<<40, nil)
	if !errors.Is(err, ErrUndetermined) || !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if other := client.sends.begin(); other == pending {
		t.Fatal("its place was given away before its outcome came")
	}
	client.sends.settle(pending.token, outcome{})
	if again := client.sends.begin(); again != pending {
		t.Fatal("its place is lost")
	}
}

// Who asked is told that it was kept, also where the outcome comes with it.
func TestKeptIsToldBeforeTheOutcome(t *testing.T) {
	defer goleak.VerifyNone(t)
	client := idle(t)
	defer client.Close()
	for i := 0; i < 100; i++ {
		pending := client.sends.begin()
		client.sends.tellKept(pending.token) // which nobody wants to hear
		client.sends.watchKept(pending)
		client.sends.tellKept(pending.token)
		client.sends.settle(pending.token, outcome{reached: Delivered})
		told := 0
		over, err := client.await(context.Background(), pending, 1, func() { told++ })
		if told != 1 || over.reached != Delivered || err != nil {
			t.Fatalf("told %d times, %v: %v", told, over, err)
		}
	}
}

// A service that says that somebody is here without a key of theirs is not believed.
func TestHereWithoutAKey(t *testing.T) {
	if _, err := (Seen{Presence: Here}).key(); !errors.Is(err, ErrProtocol) {
		t.Fatal(err)
	}
	if key, err := (Seen{Presence: Here, PublicKey: PublicKey{2}}).key(); err != nil || key != (PublicKey{2}) {
		t.Fatal(key, err)
	}
}
