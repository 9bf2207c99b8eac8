package acurast_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	acurast "github.com/libacurast/libacurast/bindings/go"
	"github.com/libacurast/libacurast/bindings/go/internal/core"
)

// each runs work for many numbers at a time, and hands out its first error.
func each(count int, work func(i int) error) error {
	errs := make([]error, count)
	var group sync.WaitGroup
	for i := range errs {
		i := i
		group.Add(1)
		go func() {
			defer group.Done()
			errs[i] = work(i)
		}()
	}
	group.Wait()
	return errors.Join(errs...)
}

// A thousand clients in one process: each sends to the next.
func TestThousandClients(t *testing.T) {
	eachService(t, func(t *testing.T, url string) {
		const count, rounds = 1000, 3
		ctx := patient(t)
		clients := make([]*acurast.Client, count)
		defer each(count, func(i int) error {
			if clients[i] != nil {
				clients[i].Close()
			}
			return nil
		})
		check(t, each(count, func(i int) (err error) {
			clients[i], err = acurast.Dial(ctx, url, acurast.WithLinger(0))
			return err
		}))
		check(t, each(count, func(i int) error {
			next := clients[(i+1)%count].ID()
			for round := 0; round < rounds; round++ {
				if err := clients[i].Send(ctx, next, []byte{byte(round)}); err != nil {
					return err
				}
			}
			return nil
		}))
		check(t, each(count, func(i int) error {
			before := clients[(i+count-1)%count].ID()
			for round := 0; round < rounds; round++ {
				message, err := clients[i].Receive(ctx)
				if err != nil {
					return err
				}
				if message.Sender != before || message.Payload[0] != byte(round) {
					return fmt.Errorf("client %d got %v from %v in round %d", i, message.Payload, message.Sender, round)
				}
			}
			return nil
		}))
	})
}

// heap is what Go keeps alive.
func heap() uint64 {
	runtime.GC()
	var figures runtime.MemStats
	runtime.ReadMemStats(&figures)
	return figures.HeapAlloc
}

// Ten thousand sends that are cancelled, some before, some in the middle, some after they went out.
func TestCancelledSendsLeakNothing(t *testing.T) {
	const goroutines, times, size = 50, 200, 1000
	cancelMany := func(t *testing.T, client *acurast.Client) {
		objects, before := core.LiveObjects(), heap()
		cancelled := make([]int, goroutines)
		check(t, each(goroutines, func(i int) error {
			for j := 0; j < times; j++ {
				ctx, cancel := context.WithCancel(context.Background())
				go cancel()
				err := client.Send(ctx, acurast.ID{}, make([]byte, size))
				cancel()
				switch {
				case errors.Is(err, context.Canceled):
					cancelled[i]++
				case err != nil:
					return err
				}
			}
			return nil
		}))
		total := 0
		for _, count := range cancelled {
			total += count
		}
		if total == 0 {
			t.Fatal("nothing was cancelled")
		}
		waiting(t, client, 0)
		eventually(t, "no object is left of them", func() error {
			if now := core.LiveObjects(); now > objects {
				return fmt.Errorf("%d objects, %d before", now, objects)
			}
			return nil
		})
		if after := heap(); after > before+goroutines*times*size/4 {
			t.Fatalf("%d bytes of heap, %d before", after, before)
		}
	}
	t.Run("away", func(t *testing.T) {
		leakless(t)
		client := lonely(t, nowhere(t), acurast.WithOutboxCount(goroutines*times))
		cancelMany(t, client)
	})
	eachService(t, func(t *testing.T, url string) {
		client := dial(t, url)
		cancelMany(t, client)
		send(t, client, client, "it still works")
		receiveText(t, client, "it still works")
	})
}

// Many goroutines close clients in the middle of everything.
func TestCloseStorm(t *testing.T) {
	eachService(t, func(t *testing.T, url string) {
		for round := 0; round < 5; round++ {
			check(t, each(20, func(i int) error { return storm(patient(t), url) }))
		}
	})
}

// storm is one client that is used and closed by many at once.
func storm(ctx context.Context, url string) error {
	client, err := acurast.New(url, acurast.WithLinger(0), acurast.WithInbox(2, 100), acurast.WithOutboxCount(4))
	if err != nil {
		return err
	}
	defer client.Close()
	client.Handle(func(ctx context.Context, message acurast.Message) { client.Send(ctx, message.Sender, message.Payload) })
	connecting := make(chan error, 1)
	go func() { connecting <- client.Connect(ctx) }()
	if rand.Intn(4) > 0 { // the others are closed while they connect
		if err := <-connecting; err != nil {
			return err
		}
	}
	uses := []func() error{
		func() error { return client.Send(ctx, client.ID(), []byte("storm")) },
		func() error { return client.Enqueue(ctx, client.ID(), nil) },
		func() error {
			_, err := client.Receive(ctx)
			return err
		},
		func() error {
			_, err := client.Stats()
			return err
		},
		func() error { client.States(context.Background()); return client.Err() },
	}
	return each(len(uses)+3, func(i int) error {
		if i >= len(uses) {
			time.Sleep(time.Duration(rand.Intn(3000)) * time.Microsecond)
			return client.Close()
		}
		for j := 0; j < 50; j++ {
			err := uses[i]()
			if errors.Is(err, acurast.ErrClosed) {
				return nil
			}
			if err != nil && !errors.Is(err, acurast.ErrBadState) {
				return err
			}
		}
		return nil
	})
}

// ---- the garbage collector ----

func TestGarbageClientIsClosed(t *testing.T) {
	eachService(t, func(t *testing.T, url string) {
		lines := &lineKeeper{}
		before := core.LiveObjects()
		id := func() acurast.ID {
			client, err := acurast.Dial(patient(t), url, acurast.WithLogger(slog.New(lines)))
			check(t, err)
			return client.ID()
		}()
		if core.LiveObjects() <= before {
			t.Fatal("a client is no object of the core")
		}
		eventually(t, "the client is collected", func() error {
			runtime.GC()
			if now := core.LiveObjects(); now > before {
				return fmt.Errorf("%d objects, %d before", now, before)
			}
			return nil
		})
		if text := lines.text(); !strings.Contains(text, "garbage") || !strings.Contains(text, id.String()) {
			t.Fatalf("the log says nothing of it: %q", text)
		}
	})
}

// A logger that blocks does not hold up the finalisers of the whole program, of which the next client needs one.
func TestGarbageClientWithABlockingLogger(t *testing.T) {
	eachService(t, func(t *testing.T, url string) {
		keeper := &lineKeeper{gate: make(chan struct{}), came: make(chan struct{})}
		defer close(keeper.gate)
		leave := func(options ...acurast.ClientOption) {
			_, err := acurast.Dial(patient(t), url, options...)
			check(t, err)
		}
		leave(acurast.WithLogger(slog.New(keeper)))
		eventually(t, "the client is collected", func() error {
			runtime.GC()
			select {
			case <-keeper.came:
				return nil
			default:
				return errors.New("no line of log")
			}
		})
		before := core.LiveObjects()
		leave()
		eventually(t, "the second client is collected", func() error {
			runtime.GC()
			if now := core.LiveObjects(); now > before {
				return fmt.Errorf("%d objects, %d before", now, before)
			}
			return nil
		})
	})
}

// collectOften gives finalisers every chance.
func collectOften() {
	for i := 0; i < 10; i++ {
		runtime.GC()
		time.Sleep(time.Millisecond)
	}
}

// A client that is in use is no garbage, even where nobody holds more of it than what waits.
func TestClientInUseIsNotCollected(t *testing.T) {
	uses := map[string]func(client *acurast.Client, got chan<- string){
		"Receive": func(client *acurast.Client, got chan<- string) {
			go func() {
				message, err := client.Receive(context.Background())
				got <- fmt.Sprint(message.Text(), err)
			}()
		},
		"Messages": func(client *acurast.Client, got chan<- string) {
			go func(messages <-chan acurast.Message) {
				message, open := <-messages
				got <- fmt.Sprint(message.Text(), open)
			}(client.Messages())
		},
		"Handle": func(client *acurast.Client, got chan<- string) {
			client.Handle(func(_ context.Context, message acurast.Message) { got <- message.Text() })
		},
	}
	for name, use := range uses {
		t.Run(name, func(t *testing.T) {
			eachService(t, func(t *testing.T, url string) {
				identity := newIdentity(t, acurast.P256)
				got := make(chan string, 1)
				func() {
					client, err := acurast.Dial(patient(t), url, acurast.WithIdentity(identity))
					check(t, err)
					use(client, got)
				}()
				collectOften()
				check(t, dial(t, url).Send(patient(t), identity.ID(), []byte("still there")))
				if text := await(t, got, "the message"); !strings.HasPrefix(text, "still there") {
					t.Fatal(text)
				}
				dial(t, url, acurast.WithIdentity(identity)) // replaces it: nobody else could close it
			})
		})
	}
}

func TestClientThatSendsIsNotCollected(t *testing.T) {
	eachHost(t, func(t *testing.T, start host) {
		leakless(t)
		url, ctx := nowhere(t), patient(t)
		before := core.LiveObjects()
		sent := func() <-chan error {
			client, err := acurast.New(url, acurast.WithBackoffMax(50*time.Millisecond))
			check(t, err)
			done, cancel := context.WithCancel(ctx)
			cancel()
			wants(t, client.Connect(done), context.Canceled)
			return in(func() error { return client.Send(ctx, acurast.ID{}, []byte("hello")) })
		}()
		collectOften()
		_, stop := start(t, addressOf(url))
		check(t, await(t, sent, "Send"))
		stop()
		eventually(t, "the client is collected once it has sent", func() error {
			runtime.GC()
			if now := core.LiveObjects(); now > before {
				return fmt.Errorf("%d objects, %d before", now, before)
			}
			return nil
		})
	})
}
