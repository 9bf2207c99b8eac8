package bench

import (
	"context"
	"errors"
	"testing"

	"github.com/libacurast/libacurast/bindings/go"
	"github.com/libacurast/libacurast/bindings/go/tests/bench/pure"
)

// contestant is what both clients can do.
type contestant interface {
	id() acurast.ID
	// send returns once the operating system has the payload; enqueue may return earlier.
	send(ctx context.Context, to acurast.ID, payload []byte) error
	enqueue(ctx context.Context, to acurast.ID, payload []byte) error
	receive(ctx context.Context) ([]byte, error)
	Close() error
}

// contestants open a client each.
var contestants = []struct {
	name string
	open func(ctx context.Context, url string) (contestant, error)
}{
	{"ours", func(ctx context.Context, url string) (contestant, error) {
		client, err := acurast.Dial(ctx, url)
		return ours{client}, err
	}},
	{"pure", func(ctx context.Context, url string) (contestant, error) {
		client, err := pure.Dial(ctx, url)
		return pureGo{client}, err
	}},
}

type ours struct{ *acurast.Client }

func (o ours) id() acurast.ID { return o.ID() }

func (o ours) send(ctx context.Context, to acurast.ID, payload []byte) error {
	return o.Send(ctx, to, payload)
}

func (o ours) enqueue(ctx context.Context, to acurast.ID, payload []byte) error {
	return o.Enqueue(ctx, to, payload)
}

func (o ours) receive(ctx context.Context) ([]byte, error) {
	message, err := o.Receive(ctx)
	return message.Payload, err
}

// byChannel is ours with the channel of its messages.
type byChannel struct{ ours }

func (c byChannel) receive(ctx context.Context) ([]byte, error) {
	return next(ctx, c.Messages(), func(message acurast.Message) []byte { return message.Payload })
}

type pureGo struct{ *pure.Client }

func (p pureGo) id() acurast.ID { return acurast.ID(p.ID) }

func (p pureGo) send(ctx context.Context, to acurast.ID, payload []byte) error {
	return p.Send(ctx, pure.ID(to), payload)
}

func (p pureGo) enqueue(ctx context.Context, to acurast.ID, payload []byte) error {
	return p.send(ctx, to, payload)
}

func (p pureGo) receive(ctx context.Context) ([]byte, error) {
	return next(ctx, p.Messages(), func(message pure.Message) []byte { return message.Payload })
}

// next takes from a channel.
func next[M any](ctx context.Context, messages <-chan M, payload func(M) []byte) ([]byte, error) {
	select {
	case message, open := <-messages:
		if !open {
			return nil, errors.New("the connection ended")
		}
		return payload(message), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// TestContestants: both do the work that is measured.
func TestContestants(t *testing.T) {
	others := need(t)
	for _, each := range contestants {
		t.Run(each.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(context.Background(), deadline)
			defer cancel()
			client, err := each.open(ctx, others.url)
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			for _, post := range []func(context.Context, acurast.ID, []byte) error{client.send, client.enqueue} {
				if err := post(ctx, others.echo, []byte("there and back")); err != nil {
					t.Fatal(err)
				}
				if payload, err := client.receive(ctx); err != nil || string(payload) != "there and back" {
					t.Fatalf("%q, %v", payload, err)
				}
			}
			ask(t, ctx, client, others.source, 3)
			for i := 0; i < 3; i++ {
				if payload, err := client.receive(ctx); err != nil || len(payload) != payloadSize {
					t.Fatalf("%q, %v", payload, err)
				}
			}
		})
	}
}
