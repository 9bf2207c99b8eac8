package acurast

import (
	"context"
	"fmt"
	"runtime"

	"github.com/libacurast/libacurast/bindings/go/internal/core"
)

// Presence tells whether somebody is connected to the service, or to one that it is coupled with.
type Presence int

// What there is of somebody.
const (
	NotHere Presence = core.PresenceNotHere
	Here    Presence = core.PresenceHere
	Away    Presence = core.PresenceAway // not here, but with a mailbox
)

// String is the name in lower case.
func (p Presence) String() string {
	switch p {
	case NotHere:
		return "not here"
	case Here:
		return "here"
	case Away:
		return "away"
	default:
		return fmt.Sprintf("presence %d", int(p))
	}
}

// Seen is what [Client.Look] has found of one id.
type Seen struct {
	ID       ID
	Presence Presence
	// PublicKey is that of who is here; else zero. It is the id's, whoever the service is: an id is a hash of its key.
	PublicKey PublicKey
}

// Gone tells that somebody has left whom this client sent something with [Client.SendUntil], or looked for.
type Gone struct {
	ID ID
	// Presence is what is left: NotHere; Away, with a mailbox; Here where a newer connection of the same key took over.
	Presence Presence
}

// Look asks the service which of these ids are here, and returns one [Seen] for each, in order. From then on [Client.Gone] tells when one
// of them leaves. More than 64 ids are asked about in several frames, one after another.
//
// It fails with [ErrUnsupported] where the service does not tell, or [WithExtensions] is off; with [ErrTimeout] or [ErrCancelled] when
// the context is done; without a deadline with [ErrExpired] after the time of [WithSendTimeout]; and with [ErrClosed], [ErrNoMemory],
// [ErrBadState] (before [Client.Connect]) and the reason why the client closed by itself.
func (c *Client) Look(ctx context.Context, ids ...ID) ([]Seen, error) {
	defer runtime.KeepAlive(c)
	all := make([]Seen, 0, len(ids))
	for rest := ids; len(rest) > 0; {
		some := rest[:min(len(rest), core.LookMax)]
		rest = rest[len(some):]
		seen, err := c.look(ctx, some)
		if err != nil {
			return nil, err
		}
		for _, one := range seen {
			all = append(all, Seen{ID: ID(one.ID), Presence: Presence(one.Presence), PublicKey: one.PublicKey})
		}
	}
	return all, nil
}

func (l *link) look(ctx context.Context, ids []ID) ([]core.Seen, error) {
	flat := joined(ids)
	pending := l.sends.begin()
	operation, err := l.onceThereIsRoom(ctx, func() (uint64, core.Status) {
		return l.handle.Look(flat, pending.token, later(timeoutOf(ctx)))
	})
	if err != nil {
		l.sends.end(pending)
		return nil, err
	}
	over, err := l.await(ctx, pending, operation, nil)
	return over.seen, err
}

// KeyOf asks for the public key of somebody who is here, for [Identity.Seal]. It fails with [ErrNotHere] where they are not, which the
// detail says of who is away; with [ErrProtocol] where the service names no key that is theirs; and as [Client.Look] does.
func (c *Client) KeyOf(ctx context.Context, id ID) (PublicKey, error) {
	seen, err := c.Look(ctx, id)
	if err != nil {
		return PublicKey{}, err
	}
	return seen[0].key()
}

func (s Seen) key() (PublicKey, error) {
	switch {
	case s.Presence == Away:
		return PublicKey{}, errorOf(core.NotHere, "away, with a mailbox")
	case s.Presence != Here:
		return PublicKey{}, errorOf(core.NotHere, "")
	case s.PublicKey == PublicKey{}:
		return PublicKey{}, &Error{Status: ErrProtocol, Detail: "the service named no key that is theirs"}
	default:
		return s.PublicKey, nil
	}
}

// goneKept is how many the service remembers for each client.
const goneKept = 1024

// Gone tells who leaves from now on, of those whom this client looked for or sent something with [Client.SendUntil]: each once, until it
// looks or sends again. The service remembers the newest 1,024 of them. The channel is closed when the context is done or the client is
// closed. Of one that nobody reads the oldest of 1,024 is dropped. When the client itself loses its connection nobody is said to be gone,
// and the watches are over: look again.
func (c *Client) Gone(ctx context.Context) <-chan Gone {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.gone.watch(ctx, &c.mu, c.state == Closed, goneKept)
}
