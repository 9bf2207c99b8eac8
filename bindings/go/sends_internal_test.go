package acurast

import "testing"

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
		s.settle(left.token, 6)
		s.settle(waits.token, 0)
		<-waits.outcome
		s.end(waits)
	}
	if len(s.slots) != 3 {
		t.Fatalf("%d places for 3 sends", len(s.slots))
	}
}
