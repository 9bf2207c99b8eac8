package acurast

import (
	"context"
	"runtime"

	"github.com/libacurast/libacurast/bindings/go/internal/core"
)

// Receive waits for the next message. Where several goroutines wait, each message goes to one of them. It fails when the context is done
// ([ErrTimeout], [ErrCancelled]), also where messages wait, and with [ErrClosed], or the reason, once the client is closed and everything
// was taken.
func (c *Client) Receive(ctx context.Context) (Message, error) {
	defer runtime.KeepAlive(c)
	message, found := c.inbox.take(ctx.Done())
	switch {
	case found:
		return message, nil
	case ctx.Err() != nil:
		return message, ended(ctx, "no message")
	default:
		return message, c.over(core.Closed)
	}
}

// Messages is a channel of the messages that arrive: always the same one. It is closed when the client is; then [Client.Err] tells whether
// it closed by itself. While nobody reads it the client stops reading from its service, and the sends go on.
func (c *Client) Messages() <-chan Message {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.messages == nil {
		c.messages = make(chan Message)
		go c.forward(c.messages)
	}
	return c.messages
}

// forward has the Client, not the link: what somebody reads from is not garbage.
func (c *Client) forward(messages chan<- Message) {
	defer runtime.KeepAlive(c)
	defer close(messages)
	for {
		message, found := c.inbox.take(c.closing)
		if !found {
			return
		}
		select {
		case messages <- message:
		case <-c.closing:
			c.inbox.putBack(message)
			return
		}
	}
}

// Handle calls a function for each message, one after another, in a goroutine of its own; called again, it works on several at a time. The
// context is done when the client closes. [Client.Close] does not wait for a handler that still runs; messages that
// wait then are left to [Client.Receive].
func (c *Client) Handle(handler func(ctx context.Context, message Message)) {
	go func() {
		defer runtime.KeepAlive(c)
		for {
			message, found := c.inbox.take(c.closing)
			if !found {
				return
			}
			handler(c.life, message)
		}
	}()
}
