package acurast

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/libacurast/libacurast/bindings/go/internal/core"
)

// requestTimeout is how long a request without a deadline waits for its answer.
const requestTimeout = 10 * time.Second

// RequestOption is a setting of one [Client.Request] or [Client.RequestMany].
type RequestOption func(*requestSettings)

type requestSettings struct {
	retry      bool
	onProgress func(value json.RawMessage)
	many       bool // an option of RequestMany was given
	need       int  // 0: all
	agree      bool

	messagePack bool
}

// WithRetry says that the request may be executed more than once: so it is sent again where nobody knows whether it was.
func WithRetry() RequestOption {
	return func(s *requestSettings) { s.retry = true }
}

// OnProgress calls a function for what the one who is asked tells before it answers ([Request.Progress]): in order, in the goroutine that
// asks, before Request returns. Of more than 64 values that wait, or of more than 1 MiB, the oldest are dropped. [Client.RequestMany] has one
// for all that are asked.
func OnProgress(told func(value json.RawMessage)) RequestOption {
	return func(s *requestSettings) { s.onProgress = told }
}

// Request asks somebody who serves the method with [Client.Serve], or in any other program by JSON-RPC 2.0, and waits for the answer. The
// params are an array or an object as JSON, such as a slice, a map or a struct; nil where there are none. The result is decoded into
// what result points to, unless that is nil. Values go through encoding/json, whose errors are returned as they are; with [InMessagePack]
// through the functions of [WithMessagePack].
//
// A context without a deadline is given one of 10 seconds. It fails with
//   - [*RemoteError]: the recipient answered with an error; it is [ErrRemoteError];
//   - [ErrNotHere], [ErrMailboxFull], [ErrMailboxExpired], [ErrQueueFull], [ErrNotDelivered], [ErrServiceMemory], [ErrTooLarge]: it was
//     not delivered, and will not be; at once, where the service is one of libacurast;
//   - [ErrUndetermined]: it was sent, the recipient has left or its connection broke, and nobody knows whether it was executed;
//   - [ErrTimeout], [ErrCancelled]: the context was done before the answer; the request may be executed all the same;
//   - [ErrInvalid]: the method's name is empty, longer than 255 bytes or no UTF-8, or the params are no array or object;
//   - [ErrClosed], [ErrNoMemory], [ErrBadState] (before [Client.Connect]) and the reason why the client closed by itself.
//
// A context that is done cancels this request alone.
func (c *Client) Request(ctx context.Context, to ID, method string, params, result any, options ...RequestOption) error {
	defer runtime.KeepAlive(c)
	asked, err := c.newQuestion(method, params, options)
	if err != nil {
		return err
	}
	if asked.many {
		return invalid("Request: Need and Agree are for RequestMany")
	}
	answer, err := c.ask(ctx, to, asked)
	if err != nil || result == nil {
		return err
	}
	return asked.codec.unmarshal(answer, result)
}

// question is a request that was checked.
type question struct {
	requestSettings
	method string
	params []byte
	codec  *codec
}

func (l *link) newQuestion(method string, params any, options []RequestOption) (*question, error) {
	asked := &question{method: method}
	for _, option := range options {
		option(&asked.requestSettings)
	}
	if err := checkMethod(method); err != nil {
		return nil, err
	}
	var err error
	if asked.codec, err = l.codecFor(asked.messagePack); err != nil {
		return nil, err
	}
	if asked.params, err = asked.codec.params(method, params); err != nil {
		return nil, err
	}
	return asked, nil
}

// core is what the core is told of it.
func (q *question) core(ctx context.Context, pending *send) core.RequestParams {
	return core.RequestParams{Token: pending.token, TimeoutMs: later(timeoutOf(ctx)), Retry: q.retry, MessagePack: q.messagePack,
		Need: uint32(q.need), Agree: q.agree}
}

// methodMost is how long a method's name may be, in bytes.
const methodMost = 255

// checkMethod refuses what C would take for another name, and what the core would refuse for each of many.
func checkMethod(name string) error {
	if name == "" || len(name) > methodMost || strings.Contains(name, "\x00") || !utf8.ValidString(name) {
		return invalid(fmt.Sprintf("the method %q", name))
	}
	return nil
}

// ask waits for the answer.
func (l *link) ask(ctx context.Context, to ID, asked *question) (json.RawMessage, error) {
	if _, has := ctx.Deadline(); !has {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, requestTimeout)
		defer cancel()
	}
	l.inbox.letGo()
	pending := l.sends.begin()
	told := l.sends.watchProgress(pending, asked.onProgress != nil)
	operation, err := l.onceThereIsRoom(ctx, func() (uint64, core.Status) {
		return l.handle.Request(core.ID(to), asked.method, asked.params, asked.core(ctx, pending))
	})
	if err != nil {
		l.sends.end(pending)
		return nil, err
	}
	for {
		select {
		case <-told.came:
			told.each(asked.onProgress)
		case over := <-pending.outcome:
			l.sends.end(pending)
			told.each(asked.onProgress)
			return over.payload, l.replied(over, asked)
		case <-ctx.Done():
			l.handle.Cancel(operation)
			l.sends.leave(pending)
			return nil, ended(ctx, l.because("no answer"))
		}
	}
}

// replied is the error of a request that is over.
func (l *link) replied(over outcome, asked *question) error {
	switch over.status {
	case core.RemoteError:
		return remoteErrorOf(over, asked.messagePack)
	case core.Timeout: // before the context has told
		return &Error{Status: ErrTimeout, Detail: l.because("no answer"), cause: context.DeadlineExceeded}
	default:
		return l.over(over.status)
	}
}
