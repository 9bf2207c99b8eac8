// Package pure is a client of protocol version 1 without cgo, as one would write it by hand: no reconnect, no outbox, no checks. It is
// what the benchmarks hold the binding against.
package pure

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"fmt"

	"github.com/coder/websocket"
)

const (
	idSize        = 16
	headerSize    = 1 + 2*idSize
	challengeSize = 16
	nonceSize     = 16
	inboxCount    = 1024
	maxFrame      = 16<<20 + headerSize
)

// The first byte of a frame: version 1, and its type.
const (
	initFrame byte = 0x10 + iota
	challengeFrame
	responseFrame
	acceptedFrame
	payloadFrame
)

// ID is who a message comes from or goes to.
type ID = [idSize]byte

// Message is one payload that arrived.
type Message struct {
	Sender  ID
	Payload []byte
}

// Client is a connection that a service has accepted.
type Client struct {
	ID       ID
	socket   *websocket.Conn
	messages chan Message
	closing  context.CancelFunc
}

// Dial connects with a new key pair.
func Dial(ctx context.Context, url string) (*Client, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	socket, _, err := websocket.Dial(ctx, url, nil)
	if err != nil {
		return nil, err
	}
	socket.SetReadLimit(maxFrame)
	publicKey := elliptic.MarshalCompressed(elliptic.P256(), key.X, key.Y)
	client := &Client{ID: idOf(publicKey), socket: socket, messages: make(chan Message, inboxCount)}
	if err := client.authenticate(ctx, key, publicKey); err != nil {
		socket.CloseNow()
		return nil, err
	}
	reading, cancel := context.WithCancel(context.Background())
	client.closing = cancel
	go client.read(reading)
	return client, nil
}

func idOf(publicKey []byte) ID {
	digest := sha256.Sum256(publicKey)
	return ID(digest[:idSize])
}

func (c *Client) authenticate(ctx context.Context, key *ecdsa.PrivateKey, publicKey []byte) error {
	if err := c.write(ctx, initFrame, ID{}, nil); err != nil {
		return err
	}
	body, err := c.expect(ctx, challengeFrame)
	if err != nil {
		return err
	}
	if len(body) != 2*challengeSize {
		return fmt.Errorf("a challenge of %d bytes", len(body))
	}
	response, err := answer(key, publicKey, body[challengeSize:])
	if err != nil {
		return err
	}
	if err := c.write(ctx, responseFrame, ID{}, response); err != nil {
		return err
	}
	_, err = c.expect(ctx, acceptedFrame)
	return err
}

// answer is the body of a response, with the zero nonce: no proof of work.
func answer(key *ecdsa.PrivateKey, publicKey, challenge []byte) ([]byte, error) {
	signed := append(append(append([]byte{}, challenge...), publicKey...), make([]byte, nonceSize)...)
	digest := sha256.Sum256(signed)
	r, s, err := ecdsa.Sign(rand.Reader, key, digest[:])
	if err != nil {
		return nil, err
	}
	var signature [64]byte
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return append(signed, signature[:]...), nil
}

func (c *Client) expect(ctx context.Context, kind byte) ([]byte, error) {
	_, frame, err := c.socket.Read(ctx)
	if err != nil {
		return nil, err
	}
	if len(frame) < headerSize || frame[0] != kind {
		return nil, fmt.Errorf("a frame of type %#x where %#x was expected", frame[:min(1, len(frame))], kind)
	}
	return frame[headerSize:], nil
}

func (c *Client) write(ctx context.Context, kind byte, to ID, body []byte) error {
	frame := make([]byte, headerSize+len(body))
	frame[0] = kind
	copy(frame[1:], c.ID[:])
	copy(frame[1+idSize:], to[:])
	copy(frame[headerSize:], body)
	return c.socket.Write(ctx, websocket.MessageBinary, frame)
}

func (c *Client) read(ctx context.Context) {
	defer close(c.messages)
	for {
		_, frame, err := c.socket.Read(ctx)
		if err != nil {
			return
		}
		if len(frame) < headerSize || frame[0] != payloadFrame {
			continue
		}
		select {
		case c.messages <- Message{Sender: ID(frame[1 : 1+idSize]), Payload: frame[headerSize:]}:
		case <-ctx.Done():
			return
		}
	}
}

// Send returns once the operating system has the payload.
func (c *Client) Send(ctx context.Context, to ID, payload []byte) error {
	return c.write(ctx, payloadFrame, to, payload)
}

// Messages is a channel of the messages that arrive. It is closed when the connection is.
func (c *Client) Messages() <-chan Message { return c.messages }

// Close ends it.
func (c *Client) Close() error {
	c.closing()
	c.socket.CloseNow()
	for range c.messages {
	}
	return nil
}
