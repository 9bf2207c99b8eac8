package acurast

import (
	"context"
	"testing"
	"time"
)

func TestSmoke(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	s, err := NewService()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	c, err := Dial(ctx, s.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	e, err := Dial(ctx, s.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	e.Handle(func(ctx context.Context, m Message) { e.Enqueue(ctx, m.Sender, m.Payload) })
	for i := 0; i < 3; i++ {
		if err := c.Send(ctx, e.ID(), []byte("hello")); err != nil {
			t.Fatal(err)
		}
		m := <-c.Messages()
		t.Log(m.Sender, m.Text())
	}
}
