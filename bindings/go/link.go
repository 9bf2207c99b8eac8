package acurast

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/libacurast/libacurast/bindings/go/internal/core"
)

// link is the client without the handle that the garbage collector watches.
type link struct {
	handle   *core.Client
	id       ID
	key      PublicKey
	inbox    *inbox
	sends    sends
	serving  serving
	writable atomic.Pointer[chan struct{}] // closed, and another put in its place, when there is room in the outbox again
	logger   *slog.Logger

	messagePack *codec // nil where it is not spoken

	engine   *running
	life     context.Context // done when Close was called, or after the last event
	endLife  context.CancelFunc
	closing  chan struct{} // closed when Close was called
	finished chan struct{} // closed after the last event
	once     sync.Once     // for closing

	mu       sync.Mutex
	state    State
	url      string // of the service that it is about
	failure  error  // why it is not connected
	end      error  // why it closed by itself
	changed  chan struct{}
	watchers watchers[StateChange]
	gone     watchers[Gone]
	messages chan Message
}

func newLink(c config, options *core.Options) (*link, error) {
	id, status := c.identity.handle.ID()
	if status != core.OK {
		return nil, errorOf(status, "the identity")
	}
	key, _ := c.identity.handle.PublicKey()
	l := &link{
		id:     ID(id),
		key:    key,
		logger: c.logger,

		messagePack: c.messagePack,

		closing:  make(chan struct{}),
		finished: make(chan struct{}),
		changed:  make(chan struct{}),
	}
	l.life, l.endLife = context.WithCancel(context.Background())
	l.makeWritable()
	l.inbox = newInbox(c, func(paused bool) { l.handle.Pause(paused) })
	err := c.engine.enter(func(r *running, number uint64) (source, error) {
		l.engine = r
		l.handle, status = core.NewClient(r.context, options, c.identity.handle, r.queue, number)
		return l, errorOf(status, options.Error())
	})
	return l, err
}

// over is the error of a call that came too late.
func (l *link) over(status core.Status) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if status == core.Closed && l.end != nil {
		return l.end
	}
	return errorOf(status, "")
}

// because adds why there is no connection to what is told of a call that ran out of time.
func (l *link) because(detail string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failure == nil {
		return detail
	}
	return detail + " (" + within(l.failure) + ")"
}

// ---- events, in the engine's goroutine ----

func (l *link) onEvent(event *core.Event) {
	switch event.Kind {
	case core.PayloadEvent:
		l.inbox.put(Message{Sender: ID(event.Sender), Recipient: ID(event.Recipient), Payload: event.Payload})
	case core.OutcomeEvent:
		l.sends.settle(event.Token, outcome{status: event.Status, reached: Level(event.Reached)})
	case core.KeptEvent:
		l.sends.tellKept(event.Token)
	case core.SeenEvent:
		l.sends.settle(event.Token, outcome{status: event.Status, seen: event.Seen()})
	case core.ReplyEvent:
		l.sends.settle(event.Token, outcome{status: event.Status, payload: event.Payload, code: event.Code})
	case core.AnswersEvent:
		l.sends.settle(event.Token, outcome{status: event.Status, answers: event.Answers})
	case core.ProgressEvent:
		l.sends.tellProgress(event.Token, event.Payload)
	case core.RequestEvent:
		l.onRequest(event)
	case core.GoneEvent:
		l.onGone(Gone{ID: ID(event.Sender), Presence: Presence(event.Presence)})
	case core.StateEvent:
		l.onState(stateChange(event))
	case core.WritableEvent:
		l.makeWritable()
	case core.LogEvent:
		l.engine.log(l.logger, event, slog.String("client", l.id.String()))
	}
}

func (l *link) makeWritable() {
	next := make(chan struct{})
	if last := l.writable.Swap(&next); last != nil {
		close(*last)
	}
}

func (l *link) onState(change StateChange) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if change.Err != nil {
		change.URL = l.url // of which the core tells the reason alone
	}
	l.state, l.url = change.State, change.URL
	switch change.State {
	case Connected:
		l.failure = nil
	case Disconnected:
		l.failure = change.Err
	case Closed:
		l.end = change.Err
	}
	l.watchers.tell(change)
	close(l.changed)
	l.changed = make(chan struct{})
}

func (l *link) onGone(gone Gone) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.gone.tell(gone)
}

func (l *link) onOver() {
	l.handle.Release()
	l.serving.end()
	close(l.inbox.ended)
	l.mu.Lock()
	l.watchers.end()
	l.gone.end()
	l.mu.Unlock()
	l.endLife()
	close(l.finished)
}
