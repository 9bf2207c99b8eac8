package acurast

import (
	"context"
	"encoding/json"
	"log/slog"
	"math"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/libacurast/libacurast/bindings/go/internal/core"
)

// Client is a dApp or a processor: it connects to a service, sends, and receives. It tries its services in order and reconnects by itself
// until it is closed, or until trying again is senseless (a service denies its key, a newer connection of the key took over).
//
// Any goroutine may use it. What is sent by one goroutine goes out in its order.
type Client struct{ *link }

// link is the client without the handle that the garbage collector watches.
type link struct {
	handle   *core.Client
	id       ID
	key      PublicKey
	inbox    *inbox
	sends    sends
	writable atomic.Pointer[chan struct{}] // closed, and another put in its place, when there is room in the outbox again
	logger   *slog.Logger
	engine   *running
	closing  chan struct{} // closed when Close was called
	finished chan struct{} // closed after the last event
	once     sync.Once     // for closing

	mu       sync.Mutex
	state    State
	failure  error // why it is not connected
	end      error // why it closed by itself
	changed  chan struct{}
	watchers watchers
	messages chan Message
}

// Dial makes a client and connects it: it returns once a service has accepted it. The urls are ws:// or wss://, several separated by
// commas.
//
// It fails with what [New] fails with; with the reason if the client closed by itself, such as [ErrDenied]; or when the context is done, with
// [ErrTimeout] or [ErrCancelled] (which are also context.DeadlineExceeded and context.Canceled) and the last failure in the text.
// The context is for connecting only.
func Dial(ctx context.Context, urls string, options ...ClientOption) (*Client, error) {
	client, err := New(urls, options...)
	if err != nil {
		return nil, err
	}
	if err := client.Connect(ctx); err != nil {
		client.Close()
		return nil, err
	}
	return client, nil
}

// New makes a client that is not connected yet. It fails for options that are out of range ([ErrBadOption]), a URL that is none, a
// secp256k1 identity ([ErrUnsupported]), an identity that was closed ([ErrClosed]) or want of memory.
func New(urls string, options ...ClientOption) (*Client, error) {
	settings := []setting{listSetting("url", urlList(urls))}
	for _, option := range options {
		settings = append(settings, option.clientOption())
	}
	c, err := configure(settings)
	if err != nil {
		return nil, err
	}
	if c.identity == nil {
		if c.identity, err = NewIdentity(P256); err != nil {
			return nil, err
		}
		defer c.identity.Close()
	}
	made, err := makeOptions(core.ClientScope, settings)
	if err != nil {
		return nil, err
	}
	defer made.Release()
	l, err := newLink(c, made)
	if err != nil {
		return nil, err
	}
	client := &Client{l}
	runtime.SetFinalizer(client, (*Client).collected)
	return client, nil
}

func newLink(c config, options *core.Options) (*link, error) {
	id, status := c.identity.handle.ID()
	if status != core.OK {
		return nil, errorOf(status, "the identity")
	}
	key, _ := c.identity.handle.PublicKey()
	l := &link{
		id:       ID(id),
		key:      key,
		logger:   c.logger,
		closing:  make(chan struct{}),
		finished: make(chan struct{}),
		changed:  make(chan struct{}),
	}
	l.makeWritable()
	l.inbox = newInbox(c, func(paused bool) { l.handle.Pause(paused) })
	err := c.engine.enter(func(r *running, number uint64) (source, error) {
		l.engine = r
		l.handle, status = core.NewClient(r.context, options, c.identity.handle, r.queue, number)
		return l, errorOf(status, options.Error())
	})
	return l, err
}

// collected closes a client that nobody has closed or holds: a net, not a way of working.
func (c *Client) collected() {
	select {
	case <-c.closing:
	default:
		if c.logger != nil {
			c.logger.Warn("acurast: a client was garbage, and not closed", "client", c.id.String())
		}
		go c.Close()
	}
}

// ID is what others address.
func (c *Client) ID() ID { return c.id }

// PublicKey is the public key that it connects with.
func (c *Client) PublicKey() PublicKey { return c.key }

// ---- connecting ----

// Connect starts connecting and waits until a service has accepted the client; again, it only waits. When the context is done it goes on
// in the background. It fails as [Dial] does.
func (c *Client) Connect(ctx context.Context) error {
	defer runtime.KeepAlive(c)
	if status := c.handle.Connect(); status != core.OK && status != core.BadState {
		return c.over(status)
	}
	for {
		c.mu.Lock()
		state, failure, changed := c.state, c.failure, c.changed
		c.mu.Unlock()
		switch state {
		case Connected:
			return nil
		case Closed:
			return c.over(core.Closed)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			detail := "not connected"
			if failure != nil {
				detail += " (" + failure.Error() + ")"
			}
			return ended(ctx, detail)
		}
	}
}

// State is where it stands right now.
func (c *Client) State() State {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state
}

// States are the changes from now on. The channel is closed after [Closed]; of one that nobody reads the oldest of 256 is dropped.
func (c *Client) States() <-chan StateChange {
	c.mu.Lock()
	defer c.mu.Unlock()
	changes := c.watchers.add()
	if c.state == Closed {
		c.watchers.end()
	}
	return changes
}

// Err is why the client closed by itself; nil as long as it did not.
func (c *Client) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.end
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

// Close ends the client: what waits to be sent is written for at most the time of [WithLinger], every send that waits gets its
// outcome, and Messages is closed. Messages that nobody has taken are dropped. It returns when that is done, and always nil. Not to be
// called where [Client.Handle]'s handler has to return first.
func (c *Client) Close() error {
	defer runtime.KeepAlive(c)
	c.once.Do(func() { close(c.closing) })
	c.handle.Close()
	<-c.finished
	return nil
}

// ---- sending ----

// Send sends a payload and returns once the operating system took its last byte. It may still be lost on its way: version 1 of the protocol
// acknowledges nothing. Without a connection it waits for one, and for room where too much waits already. The payload is copied.
//
// It fails when the context is done: then the send is cancelled, and nothing else; the payload may be on its way all the same. A context without
// a deadline is bounded by [WithSendTimeout] ([ErrExpired]). Other failures are [ErrTooLarge], [ErrClosed], [ErrNoMemory] and the reason
// why the client closed by itself.
func (c *Client) Send(ctx context.Context, to ID, payload []byte) error {
	defer runtime.KeepAlive(c)
	pending := c.sends.begin()
	operation, err := c.hand(ctx, to, payload, pending.token, false)
	if err != nil {
		c.sends.end(pending)
		return err
	}
	select {
	case status := <-pending.outcome:
		c.sends.end(pending)
		return c.outcome(ctx, status)
	case <-ctx.Done():
		c.handle.Cancel(operation)
		c.sends.leave(pending)
		return ended(ctx, "the send may have gone out")
	}
}

// SendJSON sends a value as JSON; the error may be that of encoding/json.
func (c *Client) SendJSON(ctx context.Context, to ID, value any) error {
	payload, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return c.Send(ctx, to, payload)
}

// Enqueue is Send that returns as soon as the payload is in the outbox. Nobody tells how it ends. It waits where the outbox is full;
// that is all the context is for, but its deadline holds for the payload as well.
func (c *Client) Enqueue(ctx context.Context, to ID, payload []byte) error {
	defer runtime.KeepAlive(c)
	_, err := c.hand(ctx, to, payload, 0, true)
	return err
}

// hand puts a payload into the outbox, once there is room.
func (l *link) hand(ctx context.Context, to ID, payload []byte, token uint64, quiet bool) (uint64, error) {
	for {
		if ctx.Err() != nil {
			return 0, ended(ctx, "")
		}
		writable := *l.writable.Load() // before the call: the event that follows it closes this one
		operation, status := l.handle.Send(core.ID(to), payload, token, quiet, timeoutOf(ctx))
		switch status {
		case core.OK:
			return operation, nil
		case core.OutboxFull:
		default:
			return 0, l.over(status)
		}
		select {
		case <-writable:
		case <-l.finished:
		case <-ctx.Done():
		}
	}
}

// timeoutOf is how long a send may wait in the outbox, in milliseconds; 0 leaves it to the option.
func timeoutOf(ctx context.Context) uint32 {
	deadline, has := ctx.Deadline()
	if !has {
		return 0
	}
	left := time.Until(deadline)/time.Millisecond + 1
	return uint32(min(max(left, 1), math.MaxUint32))
}

func (l *link) outcome(ctx context.Context, status core.Status) error {
	if _, has := ctx.Deadline(); has && status == core.Expired {
		return &Error{Status: ErrExpired, cause: context.DeadlineExceeded}
	}
	return l.over(status)
}

// ---- receiving ----

// Receive waits for the next message. Where several goroutines wait, each message goes to one of them. It fails when the context is done
// ([ErrTimeout], [ErrCancelled]), and with [ErrClosed], or the reason, once the client is closed and everything was taken.
func (c *Client) Receive(ctx context.Context) (Message, error) {
	defer runtime.KeepAlive(c)
	message, found := c.inbox.take(ctx.Done())
	switch {
	case found:
		return message, nil
	case ctx.Err() != nil:
		return message, ended(ctx, "no message")
	default:
		return message, c.over(core.Closed)
	}
}

// Messages is a channel of the messages that arrive: always the same one. It is closed when the client is; then [Client.Err] tells whether
// it closed by itself. While nobody reads it the client stops reading from its service, and the sends go on.
func (c *Client) Messages() <-chan Message {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.messages == nil {
		c.messages = make(chan Message)
		go c.forward(c.messages)
	}
	return c.messages
}

// forward has the Client, not the link: what somebody reads from is not garbage.
func (c *Client) forward(messages chan<- Message) {
	defer runtime.KeepAlive(c)
	defer close(messages)
	for {
		message, found := c.inbox.take(c.closing)
		if !found {
			return
		}
		select {
		case messages <- message:
		case <-c.closing:
			return
		}
	}
}

// Handle calls a function for each message, one after another, in a goroutine of its own; called again, it works on several at a time. The
// context is done when the client closes. [Client.Close] does not wait for a handler that still runs.
func (c *Client) Handle(handler func(ctx context.Context, message Message)) {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		select {
		case <-c.closing:
		case <-c.finished:
		}
		cancel()
	}()
	go func() {
		defer runtime.KeepAlive(c)
		for {
			message, found := c.inbox.take(c.closing)
			if !found {
				return
			}
			handler(ctx, message)
		}
	}()
}

// ---- figures ----

// Stats are figures of a client since it was made.
type Stats struct {
	Connections   uint64 // handshakes that ended well
	PayloadsIn    uint64
	PayloadsOut   uint64 // whose last byte was taken by the operating system
	OutboxCount   uint64 // sends that wait now
	OutboxBytes   uint64 // and their payload bytes
	IgnoredFrames uint64 // of unknown type or version
	StrayPayloads uint64 // for another id, or before the client was accepted: dropped
}

// Stats reads them. It fails with [ErrClosed] once the client is closed.
func (c *Client) Stats() (Stats, error) {
	figures, status := c.handle.Stats()
	return Stats(figures), c.over(status)
}

// ---- events, in the engine's goroutine ----

func (l *link) onEvent(event *core.Event) {
	switch event.Kind {
	case core.PayloadEvent:
		l.inbox.put(Message{Sender: ID(event.Sender), Recipient: ID(event.Recipient), Payload: event.Payload})
	case core.OutcomeEvent:
		l.sends.settle(event.Token, event.Status)
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
	l.state = change.State
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

func (l *link) onOver() {
	l.handle.Release()
	close(l.inbox.ended)
	l.mu.Lock()
	l.watchers.end()
	l.mu.Unlock()
	close(l.finished)
}
