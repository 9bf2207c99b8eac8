package acurast

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"

	"github.com/libacurast/libacurast/bindings/go/internal/core"
)

// Need is how many of those that [Client.RequestMany] asks have to answer with a result; without it all.
func Need(count int) RequestOption {
	if count < 1 {
		count = -1 // 0 is for all
	}
	return func(s *requestSettings) { s.many, s.need = true, count }
}

// Agree asks that as many results as are needed are equal: as JSON, where blanks, escapes and the order of an object's members do not
// matter, and numbers are equal where their decimal values are, such as 1, 1.0 and 10e-1. In MessagePack their bytes have to be.
func Agree() RequestOption {
	return func(s *requestSettings) { s.many, s.agree = true, true }
}

// Answer is what one of those whom [Client.RequestMany] asked has said.
type Answer struct {
	From   ID
	Result json.RawMessage // nil where Err is not
	Err    error           // as that of [Client.Request]
}

// NotEnoughError says that fewer results came than were needed, or fewer equal ones. The answers tell why.
type NotEnoughError struct {
	Need    int
	Agree   bool
	Answers []Answer
}

// Unwrap are ErrNotEnoughAnswers and the errors of those that failed: so [errors.Is] and [errors.As] find what went wrong with any of them.
func (e *NotEnoughError) Unwrap() []error {
	all := []error{ErrNotEnoughAnswers}
	for _, each := range e.Answers {
		if each.Err != nil {
			all = append(all, each.Err)
		}
	}
	return all
}

// Error counts them.
func (e *NotEnoughError) Error() string { return "acurast: too few answers: " + e.detail() }

func (e *NotEnoughError) detail() string {
	results, equal := 0, ""
	for _, each := range e.Answers {
		if each.Err == nil {
			results++
		}
	}
	if e.Agree {
		equal = " equal"
	}
	return fmt.Sprintf("%d results, %d failures, %d%s needed", results, len(e.Answers)-results, e.Need, equal)
}

// RequestMany asks several for the same, and returns as soon as enough have answered ([Need]), or answered the same ([Agree]), or that has
// become impossible. The requests that are open then are cancelled. Whoever is named twice is asked once. At most 1,024 can be asked, and fewer
// than half of [WithOutboxCount].
//
// The result is decoded into what result points to, unless that is nil: what they agree on, or the first that came. The answers are what
// was said until then, in the order in which it came, failures as well. A result of more than 64 KiB, or of an equal share of 16 MiB where that is
// more, is [ErrTooLarge].
//
// It fails with [*NotEnoughError], which is [ErrNotEnoughAnswers] and every error of an answer as well; with [ErrTimeout] or [ErrCancelled] where
// the context is done; with [ErrInvalid] for wrong arguments, such as nobody to ask, and [ErrTooLarge] for too many; and with [ErrClosed],
// [ErrNoMemory], [ErrBadState] and the reason why the client closed by itself. Without a deadline it is [*NotEnoughError] after 10 seconds.
func (c *Client) RequestMany(ctx context.Context, recipients []ID, method string, params, result any, options ...RequestOption) ([]Answer, error) {
	defer runtime.KeepAlive(c)
	asked, err := c.newQuestion(method, params, options)
	if err != nil {
		return nil, err
	}
	all := unique(recipients)
	if asked.need == 0 {
		asked.need = len(all)
	}
	if asked.need < 1 || asked.need > len(all) {
		return nil, invalid(fmt.Sprintf("RequestMany: %d of %d", asked.need, len(all)))
	}
	over, err := c.askMany(ctx, joined(all), asked)
	if err != nil {
		return nil, err
	}
	answers := c.answers(ctx, over, asked)
	few := &NotEnoughError{Need: asked.need, Agree: asked.agree, Answers: answers}
	switch {
	case over.status == core.OK && result == nil:
		return answers, nil
	case over.status == core.OK:
		return answers, asked.codec.unmarshal(resultOf(over), result)
	case ctx.Err() != nil:
		return answers, ended(ctx, few.detail())
	case over.status == core.NotEnoughAnswers:
		return answers, few
	default:
		return answers, c.over(over.status)
	}
}

// askMany waits for the answers, also where the context is done: then they come at once.
func (l *link) askMany(ctx context.Context, all []byte, asked *question) (outcome, error) {
	l.inbox.letGo()
	pending := l.sends.begin()
	told := l.sends.watchProgress(pending, asked.onProgress != nil)
	operation, err := l.onceThereIsRoom(ctx, func() (uint64, core.Status) {
		return l.handle.RequestMany(all, asked.method, asked.params, asked.core(ctx, pending))
	})
	if err != nil {
		l.sends.end(pending)
		return outcome{}, err
	}
	done := ctx.Done()
	for {
		select {
		case <-told.came:
			told.each(asked.onProgress)
		case over := <-pending.outcome:
			l.sends.end(pending)
			told.each(asked.onProgress)
			return over, nil
		case <-done:
			l.handle.Cancel(operation)
			done = nil
		}
	}
}

// answers are those that were given, and those that the context has ended. Who was not needed any more has given none.
func (l *link) answers(ctx context.Context, over outcome, asked *question) []Answer {
	answers := make([]Answer, 0, len(over.answers))
	for _, each := range over.answers {
		answer := Answer{From: ID(each.ID)}
		switch {
		case each.Status == core.OK:
			answer.Result = each.Data
		case each.Status != core.Cancelled:
			answer.Err = l.replied(outcome{status: each.Status, payload: each.Data, code: each.Code}, asked)
		case over.status == core.Cancelled && ctx.Err() != nil:
			answer.Err = ended(ctx, "no answer")
		default:
			continue
		}
		answers = append(answers, answer)
	}
	return answers
}

// resultOf is what they agree on, or the first that came.
func resultOf(over outcome) []byte {
	for _, each := range over.answers {
		if each.Group == 1 {
			return each.Data
		}
	}
	return nil
}

func unique(ids []ID) []ID {
	seen := make(map[ID]bool, len(ids))
	var all []ID
	for _, id := range ids {
		if !seen[id] {
			seen[id] = true
			all = append(all, id)
		}
	}
	return all
}

// joined is ids one behind the other.
func joined(ids []ID) []byte {
	all := make([]byte, 0, len(ids)*core.IDSize)
	for _, id := range ids {
		all = append(all, id[:]...)
	}
	return all
}
