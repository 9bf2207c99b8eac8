package acurast

import (
	"context"
	"errors"

	"github.com/libacurast/libacurast/bindings/go/internal/core"
)

// Status is a reason why something failed: the constants Err..., one for each status of the core. It is an error by itself, for
// [errors.Is]:
//
//	if errors.Is(err, acurast.ErrTimeout) { ... }
type Status int

// Error says what the status means, in one sentence.
func (s Status) Error() string { return "acurast: " + s.text() }

// String is the core's name of the status, such as "OUTBOX_FULL".
func (s Status) String() string { return core.Status(s).Info().Name }

// Retriable tells whether the same call may succeed later as it is: the network came back, a buffer drained, a peer went away.
func (s Status) Retriable() bool { return core.Status(s).Info().Retriable }

// Timeout makes it a net.Error's timeout.
func (s Status) Timeout() bool { return s == ErrTimeout || s == ErrExpired || s == ErrUnresponsive }

// Temporary is Retriable, under the name that net.Error has for it.
func (s Status) Temporary() bool { return s.Retriable() }

func (s Status) text() string { return core.Status(s).Info().Text }

// Error is a failure of the core with what more is known of it. [errors.Is] finds its Status and, where the context of a call ended it, also
// that context's error.
type Error struct {
	Status Status
	Detail string // "" where there is no more to say
	cause  error
}

// Error is the status's text, and the detail.
func (e *Error) Error() string { return "acurast: " + e.text() }

func (e *Error) text() string {
	text := e.Status.text()
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	if e.cause != nil {
		text += ": " + e.cause.Error()
	}
	return text
}

// Unwrap is for [errors.Is] and [errors.As].
func (e *Error) Unwrap() []error {
	if e.cause == nil {
		return []error{e.Status}
	}
	return []error{e.Status, e.cause}
}

// Timeout makes it a net.Error's timeout.
func (e *Error) Timeout() bool {
	return e.Status.Timeout() || errors.Is(e.cause, context.DeadlineExceeded)
}

// Temporary tells whether the same call may succeed later.
func (e *Error) Temporary() bool { return e.Status.Temporary() }

func errorOf(status core.Status, detail string) error {
	if status == core.OK {
		return nil
	}
	return &Error{Status: Status(status), Detail: detail}
}

// within is an error's text as a part of another's.
func within(err error) string {
	var ours *Error
	if errors.As(err, &ours) {
		return ours.text()
	}
	return err.Error()
}

// ended is the error of a call whose context was done.
func ended(ctx context.Context, detail string) error {
	status := ErrCancelled
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		status = ErrTimeout
	}
	return &Error{Status: status, Detail: detail, cause: ctx.Err()}
}
