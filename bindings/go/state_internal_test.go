package acurast

import (
	"testing"

	"github.com/libacurast/libacurast/bindings/go/internal/core"
)

// A watcher that reads nothing loses the oldest changes, and holds up nobody.
func TestSlowWatcherLosesTheOldest(t *testing.T) {
	var all watchers
	slow, quick := all.add(), all.add()
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
