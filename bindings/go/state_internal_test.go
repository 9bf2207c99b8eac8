package acurast

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/libacurast/libacurast/bindings/go/internal/core"
)

// A watcher that reads nothing loses the oldest changes, and holds up nobody.
func TestSlowWatcherLosesTheOldest(t *testing.T) {
	var all watchers[StateChange]
	var lock sync.Mutex
	slow, quick := all.watch(context.Background(), &lock, false, statesKept), all.watch(context.Background(), &lock, false, statesKept)
	const more = 10
	for i := 0; i < statesKept+more; i++ {
		all.tell(StateChange{CloseCode: i})
		if got := (<-quick).CloseCode; got != i {
			t.Fatalf("%d came, not %d", got, i)
		}
	}
	all.end()
	want := more
	for change := range slow {
		if change.CloseCode != want {
			t.Fatalf("%d came, not %d", change.CloseCode, want)
		}
		want++
	}
	if want != statesKept+more {
		t.Fatalf("it ends before %d", want)
	}
	if _, open := <-quick; open {
		t.Fatal("it does not end")
	}
}

// A watcher is gone with its context, and the others stay.
func TestWatcherGoesWithItsContext(t *testing.T) {
	var all watchers[StateChange]
	var lock sync.Mutex
	ctx, cancel := context.WithCancel(context.Background())
	going, staying := all.watch(ctx, &lock, false, statesKept), all.watch(context.Background(), &lock, false, statesKept)
	cancel()
	if _, open := <-going; open {
		t.Fatal("a change came")
	}
	lock.Lock()
	all.tell(StateChange{})
	left := len(all)
	all.end()
	lock.Unlock()
	if _, open := <-staying; !open || left != 1 {
		t.Fatalf("%d are left", left)
	}
}

// forgetful is a context that counts who waits for its end.
type forgetful struct {
	context.Context
	waiting int
}

func (f *forgetful) Value(any) any { return nil } // so that the package context asks AfterFunc

func (f *forgetful) AfterFunc(func()) func() bool {
	f.waiting++
	return func() bool {
		f.waiting--
		return true
	}
}

// A context that goes on keeps nothing of a client that is closed.
func TestContextForgetsWhatHasEnded(t *testing.T) {
	var all watchers[StateChange]
	var lock sync.Mutex
	parent, cancel := context.WithCancel(context.Background())
	defer cancel()
	ctx := &forgetful{Context: parent}
	changes := all.watch(ctx, &lock, false, statesKept)
	if ctx.waiting != 1 {
		t.Fatalf("%d watch the context", ctx.waiting)
	}
	all.end()
	if _, open := <-changes; open || ctx.waiting != 0 {
		t.Fatalf("%d watch the context", ctx.waiting)
	}
}

func TestNamesOfStates(t *testing.T) {
	for state, want := range map[State]string{Idle: "idle", Connected: "connected", Draining: "draining", -1: "state -1", 99: "state 99"} {
		if state.String() != want {
			t.Errorf("%q, not %q", state.String(), want)
		}
	}
	if len(stateNames) != core.StateDraining+1 {
		t.Error("a state has no name")
	}
}

func TestStateChangeInALine(t *testing.T) {
	const url = "ws://127.0.0.1:9001"
	denied := &Error{Status: ErrDenied, Detail: "denied by the lists"}
	for want, change := range map[string]StateChange{
		"connected " + url: {State: Connected, URL: url, Retry: -1},
		"closed":           {State: Closed, Retry: -1},
		"disconnected " + url + ": " + denied.text() + "; next try in 859ms": {
			State: Disconnected, URL: url, Err: denied, CloseCode: 4003, Retry: 859 * time.Millisecond},
	} {
		if got := change.String(); got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
}
