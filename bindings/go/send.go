package acurast

import (
	"context"
	"encoding/json"
	"math"
	"runtime"
	"time"

	"github.com/libacurast/libacurast/bindings/go/internal/core"
)

// Send sends a payload and returns once the operating system took its last byte. It may still be lost on its way: version 1 of the protocol
// acknowledges nothing; [Client.SendUntil] hears of it where the service is one of libacurast. Without a connection it waits for one, and for room where too much waits already. The payload is copied.
//
// It fails when the context is done: then the send is cancelled, and nothing else; the payload may be on its way all the same. Without
// a deadline [WithSendTimeout] bounds the wait once there is room ([ErrExpired]). Other failures are [ErrTooLarge], [ErrClosed],
// [ErrNoMemory], [ErrBadState] (before [Client.Connect]) and the reason why the client closed by itself.
func (c *Client) Send(ctx context.Context, to ID, payload []byte) error {
	defer runtime.KeepAlive(c)
	pending := c.sends.begin()
	operation, err := c.hand(ctx, to, payload, core.SendParams{Token: pending.token})
	if err != nil || operation == 0 { // 0: it was written at once
		c.sends.end(pending)
		return err
	}
	select {
	case over := <-pending.outcome:
		c.sends.end(pending)
		return c.outcome(ctx, over.status)
	case <-ctx.Done():
		c.handle.Cancel(operation)
		c.sends.leave(pending)
		return ended(ctx, c.because("the send may have gone out"))
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
	_, err := c.hand(ctx, to, payload, core.SendParams{Quiet: true})
	return err
}

// hand puts a payload into the outbox, once there is room.
func (l *link) hand(ctx context.Context, to ID, payload []byte, params core.SendParams) (uint64, error) {
	return l.onceThereIsRoom(ctx, func() (uint64, core.Status) {
		if params.TimeoutMs = timeoutOf(ctx); params.Until != core.LevelWritten {
			params.TimeoutMs = later(params.TimeoutMs)
		}
		return l.handle.Send(core.ID(to), payload, params)
	})
}

// onceThereIsRoom makes a call that begins an operation, again whenever there is room in the outbox.
func (l *link) onceThereIsRoom(ctx context.Context, call func() (uint64, core.Status)) (uint64, error) {
	for {
		if ctx.Err() != nil {
			return 0, ended(ctx, l.because("not sent"))
		}
		writable := *l.writable.Load() // before the call: the event that follows it closes this one
		operation, status := call()
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
	if status != core.Expired {
		return l.over(status)
	}
	detail := l.because("not sent")
	if _, has := ctx.Deadline(); has {
		return &Error{Status: ErrTimeout, Detail: detail, cause: context.DeadlineExceeded} // as if ctx had told first
	}
	return errorOf(status, detail)
}
