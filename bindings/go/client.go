package acurast

import (
	"context"
	"runtime"

	"github.com/libacurast/libacurast/bindings/go/internal/core"
)

// Client is a dApp or a processor: it connects to a service, sends, and receives. It tries its services in order and reconnects by itself
// until it is closed, or until trying again is senseless (a service denies its key, a newer connection of the key took over).
//
// Any goroutine may use it. What is sent by one goroutine goes out in its order.
type Client struct{ *link }

// Dial makes a client and connects it: it returns once a service has accepted it, and tries until then or until the context is done. So
// give it one with a deadline. The urls are ws:// or wss://, several separated by commas.
//
// It fails with what [New] fails with; with the reason if the client closed by itself, such as [ErrDenied]; or when the context is done, with
// [ErrTimeout] or [ErrCancelled] (which are also context.DeadlineExceeded and context.Canceled) and the last failure in the text.
// The context is for connecting only.
func Dial(ctx context.Context, urls string, options ...ClientOption) (*Client, error) {
	client, err := New(urls, options...)
	if err != nil {
		return nil, err
	}
	if err := client.Connect(ctx); err != nil {
		client.Close()
		return nil, err
	}
	return client, nil
}

// New makes a client that is not connected yet. It fails for options that are out of range ([ErrBadOption]), a URL that is none, a
// secp256k1 identity ([ErrUnsupported]), an identity that was closed ([ErrClosed]) or want of memory.
func New(urls string, options ...ClientOption) (*Client, error) {
	settings := []setting{listSetting("url", urlList(urls))}
	for _, option := range options {
		settings = append(settings, option.clientOption())
	}
	c, err := configure(settings)
	if err != nil {
		return nil, err
	}
	if c.identity == nil {
		if c.identity, err = NewIdentity(P256); err != nil {
			return nil, err
		}
		defer c.identity.Close()
	}
	made, err := makeOptions(core.ClientScope, settings)
	if err != nil {
		return nil, err
	}
	defer made.Release()
	l, err := newLink(c, made)
	if err != nil {
		return nil, err
	}
	client := &Client{l}
	runtime.SetFinalizer(client, (*Client).collected)
	return client, nil
}

// collected closes a client that nobody has closed or holds: a net, not a way of working.
func (c *Client) collected() {
	select {
	case <-c.closing:
	default:
		go func() { // all finalisers of the program share one goroutine, which a logger must not hold up
			defer c.Close()
			if c.logger != nil {
				c.logger.Warn("acurast: a client was garbage, and not closed", "client", c.id.String())
			}
		}()
	}
}

// ID is what others address.
func (c *Client) ID() ID { return c.id }

// PublicKey is the public key that it connects with.
func (c *Client) PublicKey() PublicKey { return c.key }

// Connect starts connecting and waits until a service has accepted the client; again, it only waits. When the context is done it goes on
// in the background. It fails as [Dial] does.
func (c *Client) Connect(ctx context.Context) error {
	defer runtime.KeepAlive(c)
	if status := c.handle.Connect(); status != core.OK && status != core.BadState {
		return c.over(status)
	}
	for {
		c.mu.Lock()
		state, changed := c.state, c.changed
		c.mu.Unlock()
		switch state {
		case Connected:
			return nil
		case Closed:
			return c.over(core.Closed)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ended(ctx, c.because("not connected"))
		}
	}
}

// State is where it stands right now.
func (c *Client) State() State {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state
}

// States are the changes from now on, until the context is done or after [Closed]; then the channel is closed. Of one that nobody reads
// the oldest of 256 is dropped.
func (c *Client) States(ctx context.Context) <-chan StateChange {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.watchers.watch(ctx, &c.mu, c.state == Closed, statesKept)
}

// Err is why the client closed by itself; nil as long as it did not.
func (c *Client) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.end
}

// Close ends the client: what waits to be sent is written for at most the time of [WithLinger], every send that waits gets its
// outcome, and the channel of [Client.Messages] is closed. What has arrived and was not taken can still be had from [Client.Receive]. It
// returns when that is done, and always nil; a handler may call it.
func (c *Client) Close() error {
	defer runtime.KeepAlive(c)
	c.once.Do(func() {
		close(c.closing)
		c.endLife()
	})
	c.handle.Close()
	<-c.finished
	return nil
}

// Stats are figures of a client since it was made.
type Stats struct {
	Connections     uint64 // handshakes that ended well
	PayloadsIn      uint64
	PayloadsOut     uint64 // whose last byte was taken by the operating system
	OutboxCount     uint64 // sends that wait now
	OutboxBytes     uint64 // and their payload bytes
	IgnoredFrames   uint64 // of unknown type or version
	StrayPayloads   uint64 // for another id, or before the client was accepted: dropped
	LargePayloads   uint64 // larger than MaxPayload, from a service that does not heed it: not read
	Repeats         uint64 // payloads that were sent again, and had been received before, or came before their turn: not received again
	ForeignReceipts uint64 // of another program with this key, for a send that is over, or not from who may say so: ignored
}

// Stats reads the figures. It fails with [ErrClosed] once the client is closed.
func (c *Client) Stats() (Stats, error) {
	defer runtime.KeepAlive(c)
	figures, status := c.handle.Stats()
	return Stats(figures), c.over(status)
}
