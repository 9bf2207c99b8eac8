package acurast

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"strconv"
	"strings"
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
// become impossible. The requests that are open then are cancelled. Whoever is named twice is asked once.
//
// The result is decoded into what result points to, unless that is nil: what they agree on, or the first that came. The answers are what
// was said until then, in the order in which it came, failures as well.
//
// It fails with [*NotEnoughError], which is every error of an answer as well; with [ErrTimeout] or [ErrCancelled] where the context is done; and with [ErrInvalid] for wrong arguments, such
// as nobody to ask. Without a deadline each request has 10 seconds.
func (c *Client) RequestMany(ctx context.Context, recipients []ID, method string, params, result any, options ...RequestOption) ([]Answer, error) {
	defer runtime.KeepAlive(c)
	asked, err := c.newQuestion(method, params, options)
	if err != nil {
		return nil, err
	}
	all := unique(recipients)
	if asked.need < 0 || asked.need > len(all) || len(all) == 0 {
		return nil, invalid(fmt.Sprintf("RequestMany: %d of %d", asked.need, len(all)))
	}
	poll := &poll{need: asked.need, agree: asked.agree, codec: asked.codec, open: len(all), equal: map[string]int{}}
	if poll.need == 0 {
		poll.need = len(all)
	}
	enough := c.askAll(ctx, all, asked, poll)
	switch {
	case enough != nil && result == nil:
		return poll.answers, nil
	case enough != nil:
		return poll.answers, asked.codec.unmarshal(enough, result)
	case ctx.Err() != nil:
		return poll.answers, ended(ctx, poll.failure().detail())
	default:
		return poll.answers, poll.failure()
	}
}

// askAll is the result, or nil. When it returns no request is open.
func (l *link) askAll(ctx context.Context, all []ID, asked *question, poll *poll) json.RawMessage {
	ctx, cancel := context.WithCancel(ctx)
	answers := make(chan Answer)
	for _, id := range all {
		go func(id ID) {
			result, err := l.ask(ctx, id, asked)
			answers <- Answer{From: id, Result: result, Err: err}
		}(id)
	}
	var enough json.RawMessage
	taken := 0
	for ; enough == nil && !poll.impossible(); taken++ {
		enough = poll.take(<-answers)
	}
	cancel()
	for ; taken < len(all); taken++ {
		<-answers
	}
	return enough
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

// poll counts answers.
type poll struct {
	need    int
	agree   bool
	codec   *codec
	open    int
	answers []Answer
	equal   map[string]int // results by their canonical form; without agree all are equal
	most    int
}

// take is the result, once that was the last one needed.
func (p *poll) take(answer Answer) json.RawMessage {
	p.open--
	form := ""
	if answer.Err == nil && p.agree {
		form, answer.Err = p.codec.canonical(answer.Result)
	}
	if answer.Err != nil {
		answer.Result = nil
		p.answers = append(p.answers, answer)
		return nil
	}
	p.answers = append(p.answers, answer)
	p.equal[form]++
	p.most = max(p.most, p.equal[form])
	if p.equal[form] < p.need {
		return nil
	}
	if p.agree {
		return answer.Result
	}
	return p.first()
}

func (p *poll) first() json.RawMessage {
	for _, each := range p.answers {
		if each.Err == nil {
			return each.Result
		}
	}
	return nil
}

func (p *poll) impossible() bool { return p.most+p.open < p.need }

func (p *poll) failure() *NotEnoughError {
	return &NotEnoughError{Need: p.need, Agree: p.agree, Answers: p.answers}
}

// canonical is a text that is the same for equal values.
func (c *codec) canonical(value json.RawMessage) (string, error) {
	if c.messagePack {
		return string(value), nil
	}
	decoder := json.NewDecoder(bytes.NewReader(value))
	decoder.UseNumber()
	var decoded any
	if err := decoder.Decode(&decoded); err != nil {
		return "", err
	}
	text, err := json.Marshal(withPlainNumbers(decoded)) // which sorts the keys
	return string(text), err
}

func withPlainNumbers(value any) any {
	switch value := value.(type) {
	case []any:
		for i := range value {
			value[i] = withPlainNumbers(value[i])
		}
	case map[string]any:
		for key := range value {
			value[key] = withPlainNumbers(value[key])
		}
	case json.Number:
		return plain(value)
	}
	return value
}

// plain is a number as digits that neither begin nor end with 0, and an exponent. It is not computed: that of 1e999999999 is long.
func plain(number json.Number) json.Number {
	text, negative := strings.CutPrefix(string(number), "-")
	exponent := 0
	if at := strings.IndexAny(text, "eE"); at >= 0 {
		var err error
		if exponent, err = strconv.Atoi(text[at+1:]); err != nil || len(text)-at > 11 {
			return number // as it is written
		}
		text = text[:at]
	}
	whole, fraction, _ := strings.Cut(text, ".")
	digits := strings.TrimRight(whole+fraction, "0")
	exponent += len(whole) - len(digits)
	if digits = strings.TrimLeft(digits, "0"); digits == "" {
		return "0"
	}
	if negative {
		digits = "-" + digits
	}
	return json.Number(digits + "e" + strconv.Itoa(exponent))
}
