package acurast

import (
	"encoding/json"
	"sync"
)

// What waits of one request's progress.
const (
	progressKept  = 64
	progressBytes = 1 << 20
)

// progress holds what was told of how far a request is, until the one who asks takes it. The oldest make room.
type progress struct {
	came chan struct{} // of one: something waits

	mu     sync.Mutex
	values fifo[json.RawMessage]
	bytes  int
}

func (p *progress) put(value json.RawMessage) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.values.size() > 0 && (p.values.size() >= progressKept || p.bytes+len(value) > progressBytes) {
		p.bytes -= len(p.values.pop())
	}
	p.values.push(value)
	p.bytes += len(value)
	select {
	case p.came <- struct{}{}:
	default:
	}
}

func (p *progress) take() (json.RawMessage, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.values.size() == 0 {
		return nil, false
	}
	value := p.values.pop()
	p.bytes -= len(value)
	return value, true
}

// each takes all that wait.
func (p *progress) each(told func(json.RawMessage)) {
	for value, found := p.take(); found; value, found = p.take() {
		told(value)
	}
}
