package main

import (
	"context"
	"encoding/json"
	"errors"
	"sync"

	acurast "github.com/libacurast/libacurast/bindings/go"
)

// byHand is requests as one writes them with Send, Messages and a map of channels.
type byHand struct {
	client  *acurast.Client
	mutex   sync.Mutex
	last    int
	waiting map[int]waiting
}

type waiting struct {
	to     acurast.ID
	answer chan answer
}

type question struct {
	Version string `json:"jsonrpc"`
	ID      int    `json:"id"`
	Method  string `json:"method"`
	Params  any    `json:"params"`
}

type answer struct {
	ID     int             `json:"id"`
	Result json.RawMessage `json:"result"`
	Error  *struct {
		Message string `json:"message"`
	} `json:"error"`
}

func newByHand(client *acurast.Client) *byHand {
	hand := &byHand{client: client, waiting: map[int]waiting{}}
	go hand.read()
	return hand
}

func (h *byHand) read() {
	for message := range h.client.Messages() {
		var came answer
		if json.Unmarshal(message.Payload, &came) != nil {
			continue
		}
		h.mutex.Lock()
		waits, open := h.waiting[came.ID]
		if open && waits.to == message.Sender {
			delete(h.waiting, came.ID)
			waits.answer <- came
		}
		h.mutex.Unlock()
	}
}

func (h *byHand) begin(to acurast.ID) (int, chan answer) {
	waits := waiting{to, make(chan answer, 1)}
	h.mutex.Lock()
	defer h.mutex.Unlock()
	h.last++
	h.waiting[h.last] = waits
	return h.last, waits.answer
}

func (h *byHand) end(id int) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	delete(h.waiting, id)
}

func (h *byHand) request(ctx context.Context, to acurast.ID, method string, params, result any) error {
	id, answered := h.begin(to)
	text, err := json.Marshal(question{"2.0", id, method, params})
	if err == nil {
		err = h.client.Send(ctx, to, text)
	}
	if err != nil {
		h.end(id)
		return err
	}
	select {
	case came := <-answered:
		if came.Error != nil {
			return errors.New(came.Error.Message)
		}
		return json.Unmarshal(came.Result, result)
	case <-ctx.Done():
		h.end(id)
		return ctx.Err()
	}
}

// requestMany returns the first result that so many have given.
func (h *byHand) requestMany(ctx context.Context, recipients []acurast.ID, method string, params any, need int) (price, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type said struct {
		result price
		err    error
	}
	results := make(chan said, len(recipients))
	for _, to := range recipients {
		go func() {
			var result said
			result.err = h.request(ctx, to, method, params, &result.result)
			results <- result
		}()
	}
	equal := map[price]int{}
	for range recipients {
		if each := <-results; each.err == nil {
			equal[each.result]++
			if equal[each.result] == need {
				return each.result, nil
			}
		}
	}
	return price{}, errors.New("they do not agree")
}
