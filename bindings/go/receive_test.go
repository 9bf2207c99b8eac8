package acurast_test

import (
	"bytes"
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	acurast "github.com/libacurast/libacurast/bindings/go"
)

func TestReceiveEndsWithItsContext(t *testing.T) {
	eachService(t, func(t *testing.T, url string) {
		client := dial(t, url)
		begin := func(ctx context.Context) <-chan error {
			return in(func() error {
				_, err := client.Receive(ctx)
				return err
			})
		}
		ctx, cancel := context.WithCancel(context.Background())
		neighbour, cancelled := begin(patient(t)), begin(ctx)
		cancel()
		wants(t, await(t, cancelled, "the cancelled Receive"), acurast.ErrCancelled, context.Canceled)
		ctx, cancel = context.WithTimeout(context.Background(), 20*time.Millisecond)
		defer cancel()
		wants(t, await(t, begin(ctx), "the short Receive"), acurast.ErrTimeout, context.DeadlineExceeded)
		send(t, client, client, "for the neighbour")
		check(t, await(t, neighbour, "the neighbour"))
	})
}

// Whoever gives up takes no message along.
func TestReceiveThatGivesUpLosesNothing(t *testing.T) {
	eachService(t, func(t *testing.T, url string) {
		client := dial(t, url)
		const count = 500
		sent := in(func() error {
			for i := 0; i < count; i++ {
				if err := client.Send(patient(t), client.ID(), []byte(strconv.Itoa(i))); err != nil {
					return err
				}
			}
			return nil
		})
		for i := 0; i < count; {
			ctx, cancel := context.WithCancel(context.Background())
			time.AfterFunc(time.Duration(i%100)*time.Microsecond, cancel) // on one processor a goroutine would keep the poller out
			message, err := client.Receive(ctx)
			switch {
			case errors.Is(err, context.Canceled):
			case err != nil:
				t.Fatal(err)
			case message.Text() != strconv.Itoa(i):
				t.Fatalf("%q came, not %d", message.Text(), i)
			default:
				i++
			}
		}
		check(t, await(t, sent, "the sends"))
	})
}

// What was there before the client closed can still be taken.
func TestReceiveAfterAnEnd(t *testing.T) {
	eachService(t, func(t *testing.T, url string) {
		identity := newIdentity(t, acurast.P256)
		client := dial(t, url, acurast.WithIdentity(identity))
		for _, text := range []string{"a", "b"} {
			send(t, client, client, text)
		}
		arrived(t, client, 2)
		changes := client.States(context.Background())
		dial(t, url, acurast.WithIdentity(identity))
		reaches(t, changes, acurast.Closed)
		receiveText(t, client, "a")
		receiveText(t, client, "b")
		_, err := client.Receive(patient(t))
		wants(t, err, acurast.ErrReplaced)
	})
}

// A message that Messages had in its hand when the client was closed is not lost.
func TestReceiveAfterCloseOfAChannel(t *testing.T) {
	eachService(t, func(t *testing.T, url string) {
		client := dial(t, url)
		messages := client.Messages() // which nobody reads
		for _, text := range []string{"a", "b"} {
			send(t, client, client, text)
		}
		arrived(t, client, 2)
		check(t, client.Close())
		got := ""
		for _, message := range awaitEnd(t, messages, "the messages") {
			got += message.Text()
		}
		for message, err := client.Receive(patient(t)); err == nil; message, err = client.Receive(patient(t)) {
			got += message.Text()
		}
		if got != "ab" {
			t.Fatalf("%q came", got)
		}
	})
}

// many are the ways to take messages in several goroutines.
var many = map[string]func(client *acurast.Client, took func(acurast.Message)){
	"Receive": func(client *acurast.Client, took func(acurast.Message)) {
		for {
			message, err := client.Receive(context.Background())
			if err != nil {
				return
			}
			took(message)
		}
	},
	"Messages": func(client *acurast.Client, took func(acurast.Message)) {
		for message := range client.Messages() {
			took(message)
		}
	},
}

func TestEachMessageGoesToOne(t *testing.T) {
	for name, take := range many {
		t.Run(name, func(t *testing.T) {
			eachService(t, func(t *testing.T, url string) {
				client := dial(t, url)
				const count = 1000
				taken := make(chan string, count)
				var group sync.WaitGroup
				for i := 0; i < 4; i++ {
					group.Add(1)
					go func() {
						defer group.Done()
						take(client, func(message acurast.Message) { taken <- message.Text() })
					}()
				}
				for i := 0; i < count; i++ {
					check(t, client.Enqueue(patient(t), client.ID(), []byte(strconv.Itoa(i))))
				}
				seen := map[string]bool{}
				for i := 0; i < count; i++ {
					seen[await(t, taken, "a message")] = true
				}
				if len(seen) != count {
					t.Fatalf("%d of %d messages", len(seen), count)
				}
				client.Close()
				group.Wait() // all of them end
			})
		})
	}
}

func TestMessagesIsOneChannel(t *testing.T) {
	eachService(t, func(t *testing.T, url string) {
		client := dial(t, url)
		messages := client.Messages()
		if client.Messages() != messages {
			t.Fatal("two channels")
		}
		send(t, client, client, "hello")
		if text := await(t, messages, "a message").Text(); text != "hello" {
			t.Fatal(text)
		}
		send(t, client, client, "nobody takes this")
		client.Close()
		awaitEnd(t, messages, "the channel")
	})
}

func TestHandleOneAfterAnother(t *testing.T) {
	eachService(t, func(t *testing.T, url string) {
		client := dial(t, url)
		const count = 200
		var running atomic.Int32
		texts := make(chan string, count)
		client.Handle(func(_ context.Context, message acurast.Message) {
			if running.Add(1) != 1 {
				t.Error("two at once")
			}
			texts <- message.Text()
			running.Add(-1)
		})
		for i := 0; i < count; i++ {
			check(t, client.Enqueue(patient(t), client.ID(), []byte(strconv.Itoa(i))))
		}
		for i := 0; i < count; i++ {
			if text := await(t, texts, "a message"); text != strconv.Itoa(i) {
				t.Fatalf("%q came, not %d", text, i)
			}
		}
	})
}

func TestSeveralHandlersWorkAtOnce(t *testing.T) {
	eachService(t, func(t *testing.T, url string) {
		client := dial(t, url)
		const handlers = 3
		began, ended := make(chan string, handlers), make(chan error, handlers)
		for i := 0; i < handlers; i++ {
			client.Handle(func(ctx context.Context, message acurast.Message) {
				began <- message.Text()
				<-ctx.Done()
				ended <- ctx.Err()
			})
		}
		for i := 0; i < handlers; i++ {
			send(t, client, client, "hello")
		}
		for i := 0; i < handlers; i++ {
			await(t, began, "a handler")
		}
		client.Close()
		for i := 0; i < handlers; i++ {
			if err := await(t, ended, "the end of a handler"); !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
		}
	})
}

func TestHandlersContextEndsWithAClientThatClosesByItself(t *testing.T) {
	eachService(t, func(t *testing.T, url string) {
		identity := newIdentity(t, acurast.P256)
		client := dial(t, url, acurast.WithIdentity(identity))
		began, ended := make(chan bool, 1), make(chan error, 1)
		client.Handle(func(ctx context.Context, _ acurast.Message) {
			began <- true
			<-ctx.Done()
			ended <- ctx.Err()
		})
		send(t, client, client, "hello")
		await(t, began, "the handler")
		dial(t, url, acurast.WithIdentity(identity))
		await(t, ended, "the end of its context")
	})
}

// What waits when a client is closed is not handled any more, and not lost.
func TestHandlerStopsWithClose(t *testing.T) {
	eachService(t, func(t *testing.T, url string) {
		client := dial(t, url)
		const count = 5
		began, goOn, handled := make(chan bool, count), make(chan bool), make(chan bool, count)
		client.Handle(func(context.Context, acurast.Message) {
			began <- true
			<-goOn
			handled <- true
		})
		for i := 0; i < count; i++ {
			send(t, client, client, "hello")
		}
		await(t, began, "the handler")
		arrived(t, client, count)
		client.Close()
		close(goOn)
		await(t, handled, "the end of the handler")
		for i := 1; i < count; i++ {
			receiveText(t, client, "hello")
		}
		if len(began) > 0 {
			t.Fatal("another one was handled")
		}
	})
}

// ---- back-pressure ----

// A client whose messages nobody takes stops reading, alone, and what it sends goes out.
func TestBlockedReaderStallsNobody(t *testing.T) {
	eachService(t, func(t *testing.T, url string) {
		blocked := dial(t, url, acurast.WithInbox(4, 1<<20))
		from, one, other := dial(t, url), dial(t, url), echo(t, url)
		const count, size = 200, 64 << 10 // more than its queue, its inbox and the sockets hold, less than a share of what the service keeps
		sent := in(func() error { return flood(patient(t), from, blocked.ID(), count, size) })
		for i := 0; i < 100; i++ {
			send(t, one, other, strconv.Itoa(i))
			receiveText(t, one, strconv.Itoa(i))
		}
		check(t, await(t, sent, "the flood"))
		send(t, blocked, one, "I can still send")
		receiveText(t, one, "I can still send")
		figures, err := blocked.Stats()
		check(t, err)
		if figures.PayloadsIn >= count {
			t.Fatal("it has read everything, though nobody takes it")
		}
		for i := 0; i < count; i++ {
			if message := receive(t, blocked); len(message.Payload) != size || message.Payload[0] != byte(i) {
				t.Fatalf("message %d is number %d", i, message.Payload[0])
			}
		}
		send(t, blocked, blocked, "and on it goes")
		receiveText(t, blocked, "and on it goes")
	})
}

func flood(ctx context.Context, from *acurast.Client, to acurast.ID, count, size int) error {
	for i := 0; i < count; i++ {
		if err := from.Send(ctx, to, bytes.Repeat([]byte{byte(i)}, size)); err != nil {
			return err
		}
	}
	return nil
}

// A client that has stopped reading can be closed like any other.
func TestBlockedReaderCloses(t *testing.T) {
	eachService(t, func(t *testing.T, url string) {
		blocked, from := dial(t, url, acurast.WithInbox(1, 1)), dial(t, url)
		messages := blocked.Messages()
		check(t, flood(patient(t), from, blocked.ID(), 50, 1000))
		blocked.Close()
		awaitEnd(t, messages, "its messages")
	})
}
