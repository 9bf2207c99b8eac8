package acurast

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"time"

	"github.com/libacurast/libacurast/bindings/go/internal/core"
)

// Level is how far a payload got, or has to get before it counts as sent.
type Level int

// The levels. All but Written need a service of libacurast.
const (
	// Written: the operating system has taken the last byte.
	Written Level = core.LevelWritten
	// Relayed: the service has handed the last byte to the recipient's socket.
	Relayed Level = core.LevelRelayed
	// Delivered: the recipient says that its program has the payload. One with this package has it in its inbox, for [Client.Receive].
	Delivered Level = core.LevelDelivered
)

// String is the name in lower case.
func (l Level) String() string {
	switch l {
	case Written:
		return "written"
	case Relayed:
		return "relayed"
	case Delivered:
		return "delivered"
	default:
		return fmt.Sprintf("level %d", int(l))
	}
}

// SendOption is a setting of one [Client.SendUntil].
type SendOption func(*sendSettings)

type sendSettings struct{ onKept func() }

// OnKept calls a function when the service says that the payload waits in the recipient's mailbox: at most once, in the goroutine that
// sends, before SendUntil returns. SendUntil then goes on waiting for the recipient.
func OnKept(told func()) SendOption {
	return func(s *sendSettings) { s.onKept = told }
}

// SendUntil sends a payload and returns once it got as far as asked, or it is known that it does not. It returns the level that was
// reached. That is [Relayed] where [Delivered] was asked for and the recipient cannot say it, such as the vendor's client: there is no
// more to be had, and no error. With an error it is [Written], which then says nothing.
//
// What was sent is sent again after a reconnect of either side, and the recipient's program gets it once, in the order of the calls.
// Delivered is the recipient's word: an answer proves more.
//
// It fails with
//   - [ErrNotHere], [ErrMailboxFull], [ErrMailboxExpired], [ErrQueueFull], [ErrNotDelivered], [ErrServiceMemory], [ErrTooLarge]: it was
//     not delivered, and will not be;
//   - [ErrUndetermined]: it was sent, and the context was done, the time was over or a connection broke before anybody said whether it
//     was delivered. Where the context was the reason, the error is the context's as well;
//   - [ErrTimeout], [ErrCancelled]: the context was done before it was sent, and it is not sent any more;
//   - [ErrExpired]: likewise, after the time of [WithSendTimeout], which bounds the whole call where the context has no deadline;
//   - [ErrUnsupported]: the service does not know levels, or [WithExtensions] is off; at once;
//   - what else [Client.Send] fails with.
//
// A context that is done cancels this send alone.
func (c *Client) SendUntil(ctx context.Context, until Level, to ID, payload []byte, options ...SendOption) (Level, error) {
	defer runtime.KeepAlive(c)
	if until < Written || until > Delivered {
		return Written, invalid(fmt.Sprintf("SendUntil: %v", until))
	}
	var settings sendSettings
	for _, option := range options {
		option(&settings)
	}
	pending := c.sends.begin()
	if settings.onKept != nil {
		c.sends.watchKept(pending)
	}
	operation, err := c.hand(ctx, to, payload,
		core.SendParams{Token: pending.token, Until: uint32(until), TellKept: settings.onKept != nil})
	if err != nil || operation == 0 { // 0: it was written at once
		c.sends.end(pending)
		return Written, err
	}
	over, err := c.await(ctx, pending, operation, settings.onKept)
	return over.reached, err
}

// await waits for what becomes of an operation. A context that is done cancels it, and the core then says whether that was in time.
func (l *link) await(ctx context.Context, pending *send, operation uint64, onKept func()) (outcome, error) {
	for {
		select {
		case <-pending.kept:
			onKept()
		case over := <-pending.outcome:
			return l.settled(ctx, pending, over, onKept)
		case <-ctx.Done():
			return l.cancel(ctx, pending, operation, onKept)
		}
	}
}

func (l *link) cancel(ctx context.Context, pending *send, operation uint64, onKept func()) (outcome, error) {
	l.handle.Cancel(operation)
	late := time.NewTimer(cancelPatience)
	defer late.Stop()
	select {
	case over := <-pending.outcome:
		return l.settled(ctx, pending, over, onKept)
	case <-late.C:
		l.sends.leave(pending)
		return outcome{}, l.reason(ctx, core.Undetermined)
	}
}

// cancelPatience bounds the wait for the outcome of what was cancelled. That comes at once, except for a payload that is being written:
// for this one it comes when the last byte was written, or the connection has broken.
const cancelPatience = time.Second

// settled ends what has an outcome; whether it was kept was told before that.
func (l *link) settled(ctx context.Context, pending *send, over outcome, onKept func()) (outcome, error) {
	select {
	case <-pending.kept:
		onKept()
	default:
	}
	l.sends.end(pending)
	return over, l.reason(ctx, over.status)
}

// reason is the error of an operation that waited for its outcome.
func (l *link) reason(ctx context.Context, status core.Status) error {
	switch {
	case status == core.Undetermined && ctx.Err() != nil:
		return &Error{Status: ErrUndetermined, Detail: l.because("no word of it came"), cause: ctx.Err()}
	case status == core.Cancelled || (status == core.Expired && ctx.Err() != nil):
		return ended(ctx, l.because("not sent"))
	case status == core.Expired:
		return errorOf(status, l.because("not sent"))
	default:
		return l.over(status)
	}
}

// later leaves it to the context to be the first whose time is over: then the outcome of cancelling tells whether it was sent.
func later(timeoutMs uint32) uint32 {
	const much = 2000
	if timeoutMs == 0 || timeoutMs > math.MaxUint32-much {
		return timeoutMs
	}
	return timeoutMs + much
}
