package acurast

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"
	"sort"
	"strings"
	"sync"

	"github.com/libacurast/libacurast/bindings/go/internal/core"
)

// Handler answers requests, each in a goroutine of its own. What it returns is the result, in the encoding of the request; or an [*RPCError] is the error, and
// every other error is answered with [CodeServerError], without its text, and logged. So is a panic. The context is done when the client
// closes.
type Handler func(ctx context.Context, request *Request) (any, error)

// Request is a request that came.
type Request struct {
	Sender ID // what the service says, no more
	Method string
	Raw    json.RawMessage // the params, an array or an object; empty where there are none

	MessagePack bool // it came in MessagePack, and so did Raw ([WithMessagePack])

	codec  *codec
	link   *link
	number uint64
}

// Params decodes the params into what value points to. The error, [CodeInvalidParams], is for the handler to return.
func (r *Request) Params(value any) error {
	if err := r.codec.unmarshal(r.Raw, value); err != nil {
		return &RPCError{Code: CodeInvalidParams, Message: "Invalid params", cause: err}
	}
	return nil
}

// Progress tells who asks how far it is, by a value in the encoding of the request. Of a request that is over nothing more can be told, which is no failure. It
// waits for room where too much waits to be sent. The error is that of the encoding, [ErrTooLarge], [ErrInvalid] for a value of more than 64
// arrays and objects in one another, or [ErrNoMemory].
func (r *Request) Progress(value any) error {
	data, err := r.codec.marshal(value)
	if err != nil {
		return err
	}
	return r.link.say(func() core.Status { return r.link.handle.Progress(r.number, data) })
}

// Serve answers the requests for these methods from now on: at any time, but best between [New] and [Client.Connect], since requests may wait in
// a mailbox. A method that was served gets another handler. Requests for other methods are answered with [CodeMethodNotFound] once one is served. A notification goes to its handler as
// well, and what that returns goes nowhere. [WithServeRunning] bounds how many handlers run, and [WithServeWaiting] how many
// requests wait for that.
//
// A client that serves lives until it is closed, also where its program forgets it. [Client.Close] does not wait for handlers. As long as
// nobody has asked for a message, by [Client.Receive] or in another way, the oldest make room: what strangers send stops no answer.
//
// It fails with [ErrInvalid] for a nil handler and for a name that is empty, longer than 255 bytes, or begins with "rpc." or "$/", and with
// [ErrClosed] or [ErrNoMemory]. Then other methods of the map may be served.
func (c *Client) Serve(methods map[string]Handler) error {
	defer runtime.KeepAlive(c)
	names := make([]string, 0, len(methods))
	for name, handler := range methods {
		if err := checkMethod(name); err != nil {
			return err
		}
		if handler == nil {
			return invalid(fmt.Sprintf("Serve: the handler of %q is nil", name))
		}
		names = append(names, name)
	}
	sort.Strings(names)
	c.inbox.letGo()
	for _, name := range names {
		if status := c.serving.add(c, name, methods[name]); status == core.Closed {
			return c.over(status)
		} else if status != core.OK {
			return errorOf(status, fmt.Sprintf("the method %q", name))
		}
	}
	return nil
}

// serving has the handlers.
type serving struct {
	mu       sync.Mutex
	holder   *Client   // which is no garbage as long as it serves
	handlers []Handler // the token of each is its place
	places   map[string]int
	warned   map[string]bool // of methods, where there is no logger
}

func (s *serving) add(holder *Client, name string, handler Handler) core.Status {
	s.mu.Lock() // so that no request is looked up in between
	defer s.mu.Unlock()
	place, known := s.places[name]
	if !known {
		place = len(s.handlers)
		if status := holder.handle.Serve(name, uint64(place)); status != core.OK {
			return status
		}
		if s.places == nil {
			s.places = map[string]int{}
		}
		s.handlers = append(s.handlers, nil)
		s.places[name] = place
	}
	s.holder, s.handlers[place] = holder, handler
	return core.OK
}

func (s *serving) handler(token uint64) Handler {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.handlers[token]
}

// end is told once no request comes any more.
func (s *serving) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.holder, s.handlers, s.places = nil, nil, nil
}

// firstOf tells whether nothing was warned of this method yet.
func (s *serving) firstOf(method string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.warned[method] {
		return false
	}
	if s.warned == nil {
		s.warned = map[string]bool{}
	}
	s.warned[method] = true
	return true
}

// onRequest runs in the engine's goroutine.
func (l *link) onRequest(event *core.Event) {
	request := &Request{Sender: ID(event.Sender), Method: event.Text, Raw: event.Payload, link: l, number: event.Operation,
		MessagePack: !event.IsJSON}
	handler := l.serving.handler(event.Token)
	var err error
	if request.codec, err = l.codecFor(request.MessagePack); err != nil {
		request.codec, handler = jsonCodec, speaksNoMessagePack // whose error has nothing in it to encode
	}
	go request.run(handler)
}

func speaksNoMessagePack(context.Context, *Request) (any, error) {
	return nil, &RPCError{Code: CodeInvalidRequest, Message: "MessagePack is not spoken here"}
}

// run answers in any case: also where the handler panics or ends its goroutine.
func (r *Request) run(handler Handler) {
	result, err := any(nil), errors.New("the handler has ended its goroutine")
	defer func() {
		if what := recover(); what != nil {
			err = fmt.Errorf("panic: %v\n%s", what, debug.Stack())
		}
		r.answer(result, err)
	}()
	result, err = handler(r.link.life, r)
}

func (r *Request) answer(result any, err error) {
	var own *RPCError
	switch {
	case err == nil:
		err = r.say(result)
	case errors.As(err, &own) && own != nil:
		err = r.fail(own)
	}
	if err != nil {
		r.report(err)
		if err = r.fail(&RPCError{Code: CodeServerError, Message: "Server error"}); err != nil {
			r.report(err)
		}
	}
}

func (r *Request) say(result any) error {
	data, err := r.codec.marshal(result)
	if err != nil {
		return err
	}
	return r.link.say(func() core.Status { return r.link.handle.Answer(r.number, data) })
}

func (r *Request) fail(with *RPCError) error {
	var data []byte
	if with.Data != nil {
		var err error
		if data, err = r.codec.marshal(with.Data); err != nil {
			return err
		}
	}
	message := strings.ToValidUTF8(with.Message, "\uFFFD")
	return r.link.say(func() core.Status { return r.link.handle.AnswerError(r.number, with.Code, message, data) })
}

// say makes a call that says something about a request, once there is room. That nobody waits for it any more is no failure.
func (l *link) say(call func() core.Status) error {
	var status core.Status
	_, err := l.onceThereIsRoom(l.life, func() (uint64, core.Status) {
		status = call()
		return 0, status
	})
	if l.life.Err() != nil || status == core.NotFound || status == core.Closed {
		return nil
	}
	return err
}

// report tells this program, and nobody else, why a request failed. Without a logger that is done once for each method.
func (r *Request) report(err error) {
	logger := r.link.logger
	switch {
	case r.link.life.Err() != nil: // which is why
		return
	case logger == nil && !r.link.serving.firstOf(r.Method):
		return
	case logger == nil:
		logger = slog.Default()
	}
	logger.Warn("acurast: a handler failed", "method", r.Method, "sender", r.Sender.String(), "error", err, "client", r.link.id.String())
}
