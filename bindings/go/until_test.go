package acurast_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	acurast "github.com/libacurast/libacurast/bindings/go"
)

func sendUntil(t *testing.T, from *acurast.Client, until acurast.Level, to acurast.ID, text string) {
	t.Helper()
	if reached, err := from.SendUntil(patient(t), until, to, []byte(text)); reached != until || err != nil {
		t.Fatalf("%v was reached, not %v: %v", reached, until, err)
	}
}

// departed is the id of somebody who was here, and for whom the service now keeps a mailbox; and their key pair.
func departed(t *testing.T, url string) (acurast.ID, *acurast.Identity) {
	t.Helper()
	identity := newIdentity(t, acurast.P256)
	check(t, dial(t, url, acurast.WithIdentity(identity)).Close())
	return identity.ID(), identity
}

func TestLevelsAreReached(t *testing.T) {
	eachService(t, func(t *testing.T, url string) {
		from, to, old := dial(t, url), dial(t, url), dial(t, url, acurast.WithExtensions(false))
		for i, each := range []struct {
			to          *acurast.Client
			until, want acurast.Level
		}{
			{to, acurast.Written, acurast.Written},
			{to, acurast.Relayed, acurast.Relayed},
			{to, acurast.Delivered, acurast.Delivered},
			{old, acurast.Written, acurast.Written},
			{old, acurast.Relayed, acurast.Relayed},
			{old, acurast.Delivered, acurast.Relayed}, // which is all that it can say
		} {
			text := strconv.Itoa(i)
			got, err := from.SendUntil(patient(t), each.until, each.to.ID(), []byte(text))
			if err != nil || got != each.want {
				t.Errorf("%d: %v was reached, not %v: %v", i, got, each.want, err)
			}
			receiveText(t, each.to, text)
		}
	})
}

func TestNobodyIsThere(t *testing.T) {
	eachService(t, func(t *testing.T, url string) {
		client := dial(t, url)
		for _, until := range []acurast.Level{acurast.Relayed, acurast.Delivered} {
			_, err := client.SendUntil(patient(t), until, acurast.ID{1}, []byte("hello"))
			wants(t, err, acurast.ErrNotHere)
		}
	})
}

func TestServiceThatHidesPresence(t *testing.T) {
	leakless(t)
	client := dial(t, newService(t, acurast.WithPresence(false)).URL())
	sendUntil(t, client, acurast.Delivered, client.ID(), "myself")
	_, err := client.SendUntil(patient(t), acurast.Delivered, acurast.ID{1}, nil)
	wants(t, err, acurast.ErrNotDelivered)
	_, err = client.Look(patient(t), client.ID())
	wants(t, err, acurast.ErrUnsupported)
}

// Without the extension at either side it is said at once, and what is plain works.
func TestLevelsAreUnsupported(t *testing.T) {
	for name, each := range map[string]struct{ service, client bool }{"service": {false, true}, "client": {true, false}} {
		t.Run(name, func(t *testing.T) {
			leakless(t)
			url := newService(t, acurast.WithExtensions(each.service)).URL()
			client := dial(t, url, acurast.WithExtensions(each.client))
			for _, until := range []acurast.Level{acurast.Relayed, acurast.Delivered} {
				_, err := client.SendUntil(patient(t), until, client.ID(), nil)
				wants(t, err, acurast.ErrUnsupported)
			}
			_, err := client.Look(patient(t), client.ID())
			wants(t, err, acurast.ErrUnsupported)
			_, err = client.KeyOf(patient(t), client.ID())
			wants(t, err, acurast.ErrUnsupported)
			sendUntil(t, client, acurast.Written, client.ID(), "plain")
			receiveText(t, client, "plain")
		})
	}
}

func TestNoSuchLevel(t *testing.T) {
	leakless(t)
	client := dial(t, newService(t).URL())
	for _, until := range []acurast.Level{-1, acurast.Delivered + 1} {
		_, err := client.SendUntil(patient(t), until, client.ID(), nil)
		wants(t, err, acurast.ErrInvalid)
	}
}

func TestKeptIsToldOnceAndThenItIsDelivered(t *testing.T) {
	eachService(t, func(t *testing.T, url string) {
		from := dial(t, url)
		id, identity := departed(t, url)
		kept, back := 0, make(chan *acurast.Client, 1)
		reached, err := from.SendUntil(patient(t), acurast.Delivered, id, []byte("later"), acurast.OnKept(func() {
			kept++
			back <- dial(t, url, acurast.WithIdentity(identity))
		}))
		if reached != acurast.Delivered || err != nil || kept != 1 {
			t.Fatalf("%v, kept %d times: %v", reached, kept, err)
		}
		receiveText(t, await(t, back, "who was away"), "later")
	})
}

func TestNothingIsKeptOfWhoIsHere(t *testing.T) {
	leakless(t)
	client := dial(t, newService(t).URL())
	_, err := client.SendUntil(patient(t), acurast.Delivered, client.ID(), nil, acurast.OnKept(func() { t.Error("it was kept") }))
	check(t, err)
}

func TestFullMailbox(t *testing.T) {
	leakless(t)
	url := newService(t, acurast.WithMailboxCount(1)).URL()
	from := dial(t, url)
	id, _ := departed(t, url)
	ctx, cancel := context.WithCancel(patient(t))
	defer cancel()
	kept := make(chan struct{})
	first := in(func() error {
		_, err := from.SendUntil(ctx, acurast.Delivered, id, nil, acurast.OnKept(func() { close(kept) }))
		return err
	})
	select {
	case <-kept:
	case err := <-first:
		t.Fatal(err)
	}
	_, err := from.SendUntil(ctx, acurast.Delivered, id, nil)
	wants(t, err, acurast.ErrMailboxFull)
	cancel()
	wants(t, await(t, first, "the first"), acurast.ErrUndetermined, context.Canceled)
}

// What was not sent when its context was done is not sent any more, and the error says that.
func TestContextEndsWhatWasNotSent(t *testing.T) {
	leakless(t)
	url := nowhere(t)
	client := lonely(t, url)
	long := in(func() error {
		_, err := client.SendUntil(patient(t), acurast.Delivered, client.ID(), []byte("long"))
		return err
	})
	waiting(t, client, 1)
	ctx, cancel := context.WithCancel(context.Background())
	short := in(func() error {
		_, err := client.SendUntil(ctx, acurast.Delivered, client.ID(), []byte("short"))
		return err
	})
	waiting(t, client, 2)
	cancel()
	wants(t, await(t, short, "the cancelled one"), acurast.ErrCancelled, context.Canceled)
	for i := 0; i < 10; i++ {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		_, err := client.SendUntil(ctx, acurast.Delivered, client.ID(), []byte("short"))
		wants(t, err, acurast.ErrTimeout, context.DeadlineExceeded)
		_, err = client.Look(ctx, client.ID())
		wants(t, err, acurast.ErrTimeout, context.DeadlineExceeded)
		cancel()
	}
	waiting(t, client, 1)
	embedded(t, addressOf(url))
	check(t, await(t, long, "the neighbour"))
	sendUntil(t, client, acurast.Delivered, client.ID(), "end")
	receiveText(t, client, "long")
	receiveText(t, client, "end")
}

// What waits in a mailbox when its context is done may yet be delivered.
func TestContextEndsWhatWasSent(t *testing.T) {
	eachService(t, func(t *testing.T, url string) {
		from := dial(t, url)
		id, _ := departed(t, url)
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		_, err := from.SendUntil(ctx, acurast.Delivered, id, nil, acurast.OnKept(cancel))
		wants(t, err, acurast.ErrUndetermined, context.Canceled)
		for i := 0; i < 5; i++ {
			ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
			_, err = from.SendUntil(ctx, acurast.Delivered, id, nil)
			cancel()
			wants(t, err, acurast.ErrUndetermined, context.DeadlineExceeded)
			var net net.Error
			if !errors.As(err, &net) || !net.Timeout() {
				t.Fatalf("%v is no time-out", err)
			}
		}
	})
}

func TestSendTimeoutBoundsAllOfIt(t *testing.T) {
	leakless(t)
	short := acurast.WithSendTimeout(50 * time.Millisecond)
	url := newService(t).URL()
	from := dial(t, url, short)
	id, _ := departed(t, url)
	_, err := from.SendUntil(context.Background(), acurast.Delivered, id, nil)
	wants(t, err, acurast.ErrUndetermined)
	if errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("%v, but its context has no deadline", err)
	}
	alone := lonely(t, nowhere(t), short)
	_, err = alone.SendUntil(context.Background(), acurast.Delivered, id, nil)
	wants(t, err, acurast.ErrExpired)
	_, err = alone.Look(context.Background(), id)
	wants(t, err, acurast.ErrExpired)
}

func TestContextThatIsDoneSendsNothingWithALevel(t *testing.T) {
	leakless(t)
	client := dial(t, newService(t).URL())
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := client.SendUntil(ctx, acurast.Delivered, client.ID(), []byte("no"))
	wants(t, err, acurast.ErrCancelled, context.Canceled)
	_, err = client.Look(ctx, client.ID())
	wants(t, err, acurast.ErrCancelled, context.Canceled)
	sendUntil(t, client, acurast.Delivered, client.ID(), "yes")
	receiveText(t, client, "yes")
}

func TestCloseEndsWhatWaitsForALevel(t *testing.T) {
	leakless(t)
	client := lonely(t, nowhere(t))
	sent := in(func() error {
		_, err := client.SendUntil(patient(t), acurast.Delivered, client.ID(), nil)
		return err
	})
	looked := in(func() error {
		_, err := client.Look(patient(t), client.ID())
		return err
	})
	waiting(t, client, 2)
	client.Close()
	wants(t, await(t, sent, "SendUntil"), acurast.ErrClosed)
	wants(t, await(t, looked, "Look"), acurast.ErrClosed)
	_, err := client.SendUntil(patient(t), acurast.Delivered, client.ID(), nil)
	wants(t, err, acurast.ErrClosed)
	_, err = client.Look(patient(t), client.ID())
	wants(t, err, acurast.ErrClosed)
}

func TestLevelsAndAFullOutbox(t *testing.T) {
	eachService(t, func(t *testing.T, url string) {
		from, to := dial(t, url, acurast.WithOutboxCount(2)), dial(t, url)
		const goroutines, each = 16, 20
		results := make(chan error, goroutines)
		for i := 0; i < goroutines; i++ {
			go func(text string) {
				var err error
				for j := 0; j < each && err == nil; j++ {
					if _, err = from.SendUntil(patient(t), acurast.Delivered, to.ID(), []byte(text+" "+strconv.Itoa(j))); err == nil {
						_, err = from.Look(patient(t), to.ID())
					}
				}
				results <- err
			}(strconv.Itoa(i))
		}
		next := map[string]int{}
		for i := 0; i < goroutines*each; i++ {
			var who string
			var number int
			if _, err := fmt.Sscan(receive(t, to).Text(), &who, &number); err != nil || number != next[who] {
				t.Fatalf("%s sent %d, not %d: %v", who, number, next[who], err)
			}
			next[who]++
		}
		for i := 0; i < goroutines; i++ {
			check(t, await(t, results, "the sends"))
		}
		if figures, err := to.Stats(); err != nil || figures.Repeats != 0 || figures.ForeignReceipts != 0 {
			t.Fatalf("%+v: %v", figures, err)
		}
	})
}

// A proxy passes bytes on to a service. It can be made to swallow what the service says, and cut.
type proxy struct {
	url       string
	deaf      atomic.Bool
	swallowed atomic.Int64
	mu        sync.Mutex
	open      []net.Conn
	work      sync.WaitGroup
}

func newProxy(t *testing.T, url string) *proxy {
	t.Helper()
	listener, err := net.Listen("tcp", anywhere)
	check(t, err)
	p := &proxy{url: "ws://" + listener.Addr().String()}
	p.work.Add(1)
	go func() {
		defer p.work.Done()
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			service, err := net.Dial("tcp", addressOf(url))
			if err != nil {
				client.Close()
				continue
			}
			p.mu.Lock()
			p.open = append(p.open, client, service)
			p.mu.Unlock()
			p.work.Add(2)
			go p.pass(service, client, func([]byte) bool { return true })
			go p.pass(client, service, func(bytes []byte) bool {
				if p.deaf.Load() {
					p.swallowed.Add(int64(len(bytes)))
					return false
				}
				return true
			})
		}
	}()
	t.Cleanup(func() {
		listener.Close()
		p.cut()
		p.work.Wait()
	})
	return p
}

func (p *proxy) pass(to io.Writer, from io.Reader, may func([]byte) bool) {
	defer p.work.Done()
	buffer := make([]byte, 1<<16)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		if may(buffer[:n]) {
			to.Write(buffer[:n])
		}
	}
}

func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, each := range p.open {
		each.Close()
	}
	p.open = nil
}

// The receipt is lost with the connection: the payload is sent again, and not received again.
func TestSentAgainIsReceivedOnce(t *testing.T) {
	leakless(t)
	url := newService(t).URL()
	between := newProxy(t, url)
	from, to := dial(t, between.url, acurast.WithBackoffMin(10*time.Millisecond)), dial(t, url)
	between.deaf.Store(true)
	sent := in(func() error {
		reached, err := from.SendUntil(patient(t), acurast.Delivered, to.ID(), []byte("once"))
		if err == nil && reached != acurast.Delivered {
			err = errors.New(reached.String())
		}
		return err
	})
	receiveText(t, to, "once")
	eventually(t, "the receipt is lost", func() error {
		if between.swallowed.Load() == 0 {
			return errors.New("nothing came")
		}
		return nil
	})
	between.deaf.Store(false)
	between.cut()
	check(t, await(t, sent, "what was sent again"))
	sendUntil(t, from, acurast.Delivered, to.ID(), "next")
	receiveText(t, to, "next")
	if figures, err := to.Stats(); err != nil || figures.Repeats != 1 || figures.PayloadsIn != 2 {
		t.Fatalf("%+v: %v", figures, err)
	}
}

// A receipt for somebody who had the key before is nothing to who has it now.
func TestReceiptOfAnotherRunIsForeign(t *testing.T) {
	leakless(t)
	url := newService(t).URL()
	mine := newIdentity(t, acurast.P256)
	id, its := departed(t, url)
	first := dial(t, url, acurast.WithIdentity(mine))
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	_, err := first.SendUntil(ctx, acurast.Delivered, id, []byte("for later"), acurast.OnKept(cancel))
	wants(t, err, acurast.ErrUndetermined)
	check(t, first.Close())
	second := dial(t, url, acurast.WithIdentity(mine))
	receiveText(t, dial(t, url, acurast.WithIdentity(its)), "for later")
	eventually(t, "the receipt that is foreign", func() error {
		figures, err := second.Stats()
		if err == nil && figures.ForeignReceipts != 1 {
			err = fmt.Errorf("%+v", figures)
		}
		return err
	})
}
