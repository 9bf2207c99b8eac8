package acurast

import (
	"sync"

	"github.com/libacurast/libacurast/bindings/go/internal/core"
)

// sends are those, looks and requests among them, whose outcome has not come. Each has a slot; the slot's number, from 1, travels as the token.
type sends struct {
	mu    sync.Mutex
	slots []*send
	free  []int
}

// A send waits for its outcome, or was left by who waited. It is used again for another.
type send struct {
	token    uint64
	outcome  chan outcome  // of one, so that whoever brings it never waits
	kept     chan struct{} // of one, likewise; nil where nobody asked
	progress *progress     // of a request; nil where nobody asked
	left     bool
}

// outcome is how a send, a look, a request or a request to many ended.
type outcome struct {
	status  core.Status
	reached Level
	seen    []core.Seen
	payload []byte // of a request: the result, or the error as it came
	code    int64  // of that error
	answers []core.Answer
}

// begin is a send with a token.
func (s *sends) begin() *send {
	s.mu.Lock()
	defer s.mu.Unlock()
	if last := len(s.free) - 1; last >= 0 {
		slot := s.free[last]
		s.free = s.free[:last]
		return s.slots[slot]
	}
	made := &send{token: uint64(len(s.slots) + 1), outcome: make(chan outcome, 1)}
	s.slots = append(s.slots, made)
	return made
}

// watchKept makes room for the word that it is kept in a mailbox.
func (s *sends) watchKept(one *send) {
	s.mu.Lock()
	defer s.mu.Unlock()
	one.kept = make(chan struct{}, 1)
}

// watchProgress makes room for the words of how far a request is, where somebody wants them.
func (s *sends) watchProgress(one *send, wanted bool) *progress {
	if !wanted {
		return &progress{} // whose channel is nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	one.progress = &progress{came: make(chan struct{}, 1)}
	return one.progress
}

// end gives the send back: its outcome was taken, or never comes.
func (s *sends) end(over *send) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.giveBack(over)
}

func (s *sends) giveBack(over *send) {
	over.left, over.kept, over.progress = false, nil, nil
	s.free = append(s.free, int(over.token-1))
}

// leave is end for who does not wait for the outcome any longer.
func (s *sends) leave(over *send) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-over.outcome: // it came just now
		s.giveBack(over)
	default:
		over.left, over.progress = true, nil
	}
}

// settle brings an outcome.
func (s *sends) settle(token uint64, how outcome) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if over := s.slots[token-1]; over.left {
		s.giveBack(over)
	} else {
		over.outcome <- how
	}
}

// tellKept brings the word that it is kept. It is dropped where nobody waits for it.
func (s *sends) tellKept(token uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case s.slots[token-1].kept <- struct{}{}:
	default:
	}
}

// tellProgress brings a word of how far a request is. It is dropped where nobody waits for it.
func (s *sends) tellProgress(token uint64, value []byte) {
	s.mu.Lock()
	to := s.slots[token-1].progress
	s.mu.Unlock()
	if to != nil {
		to.put(value)
	}
}
