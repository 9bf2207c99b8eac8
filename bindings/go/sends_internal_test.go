package acurast

import (
	"context"
	"testing"
	"time"

	"github.com/libacurast/libacurast/bindings/go/internal/core"
	"go.uber.org/goleak"
)

// A send that was left gives its place back when its outcome comes, and not before.
func TestSendsAreUsedAgain(t *testing.T) {
	var s sends
	for i := 0; i < 100; i++ {
		waits, left := s.begin(), s.begin()
		s.leave(left)
		if third := s.begin(); third == left || third == waits {
			t.Fatal("one place for two sends")
		} else {
			s.end(third)
		}
		s.settle(left.token, outcome{status: core.Cancelled})
		s.settle(waits.token, outcome{})
		<-waits.outcome
		s.end(waits)
	}
	if len(s.slots) != 3 {
		t.Fatalf("%d places for 3 sends", len(s.slots))
	}
}

// The call itself writes what an idle client sends: nobody has to be woken for it, and there is no outcome to wait for.
func TestSendOfAnIdleClientIsWrittenAtOnce(t *testing.T) {
	defer goleak.VerifyNone(t)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	service, err := NewService()
	if err != nil {
		t.Fatal(err)
	}
	defer service.Close()
	client, err := Dial(ctx, service.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for tries := 1; ; tries++ {
		pending := client.sends.begin()
		operation, err := client.hand(ctx, client.ID(), []byte("at once"), core.SendParams{Token: pending.token})
		if err != nil {
			t.Fatal(err)
		}
		if operation != 0 {
			<-pending.outcome
		}
		client.sends.end(pending)
		if message, err := client.Receive(ctx); err != nil || message.Text() != "at once" {
			t.Fatal(message.Text(), err)
		}
		if operation == 0 {
			return
		}
		if tries == 1000 {
			t.Fatal("none of 1,000 sends was written at once")
		}
	}
}
