package acurast_test

import (
	"bytes"
	"context"
	"errors"
	"math"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	acurast "github.com/libacurast/libacurast/bindings/go"
)

func TestPayloadsArriveAsTheyAre(t *testing.T) {
	eachService(t, func(t *testing.T, url string) {
		client, echo := dial(t, url), echo(t, url)
		every := make([]byte, 256)
		for i := range every {
			every[i] = byte(i)
		}
		for name, payload := range map[string][]byte{
			"nil":       nil,
			"empty":     {},
			"a byte":    {0},
			"every":     every,
			"hex":       []byte("deadbeef"),
			"1 MiB":     bytes.Repeat(every, 1<<20/len(every)),
			"64 KiB +1": bytes.Repeat([]byte{0xff}, 1<<16+1),
		} {
			check(t, client.Send(patient(t), echo.ID(), payload))
			message := receive(t, client)
			if !bytes.Equal(message.Payload, payload) {
				t.Errorf("%s: %d bytes came back of %d, or others", name, len(message.Payload), len(payload))
			}
			if message.Sender != echo.ID() || message.Recipient != client.ID() {
				t.Errorf("%s: from %v to %v", name, message.Sender, message.Recipient)
			}
		}
	})
}

func TestPayloadIsCopied(t *testing.T) {
	leakless(t)
	url := nowhere(t)
	client := lonely(t, url)
	payload := []byte("before")
	check(t, client.Enqueue(patient(t), client.ID(), payload))
	copy(payload, "after ")
	embedded(t, addressOf(url))
	receiveText(t, client, "before")
}

func TestSendsOfOneGoroutineStayInOrder(t *testing.T) {
	eachService(t, func(t *testing.T, url string) {
		from, to := dial(t, url, acurast.WithOutboxCount(16)), dial(t, url)
		const count = 2000
		sent := in(func() error {
			for i := 0; i < count; i++ {
				call := from.Enqueue
				if i%100 == 0 {
					call = from.Send
				}
				if err := call(patient(t), to.ID(), []byte(strconv.Itoa(i))); err != nil {
					return err
				}
			}
			return nil
		})
		for i := 0; i < count; i++ {
			receiveText(t, to, strconv.Itoa(i))
		}
		check(t, await(t, sent, "the sends"))
	})
}

func TestJSON(t *testing.T) {
	eachService(t, func(t *testing.T, url string) {
		client := dial(t, url)
		type price struct {
			Asset string
			Cents int
		}
		check(t, client.SendJSON(patient(t), client.ID(), price{"ACU", 12}))
		message := receive(t, client)
		if message.Text() != `{"Asset":"ACU","Cents":12}` {
			t.Fatal(message.Text())
		}
		var got price
		check(t, message.JSON(&got))
		if got != (price{"ACU", 12}) {
			t.Fatalf("%+v", got)
		}
		if message.JSON(&[]int{}) == nil {
			t.Fatal("an object is no list")
		}
		if client.SendJSON(patient(t), client.ID(), math.Inf(1)) == nil {
			t.Fatal("JSON knows no infinity")
		}
	})
}

func TestSendWaitsForAService(t *testing.T) {
	eachHost(t, func(t *testing.T, start host) {
		leakless(t)
		url := nowhere(t)
		client := lonely(t, url)
		sent := in(func() error { return client.Send(patient(t), client.ID(), []byte("early")) })
		waiting(t, client, 1)
		start(t, addressOf(url))
		check(t, await(t, sent, "Send"))
		receiveText(t, client, "early")
	})
}

func TestCancelledSendLeavesItsNeighbours(t *testing.T) {
	eachHost(t, func(t *testing.T, start host) {
		leakless(t)
		url := nowhere(t)
		client := lonely(t, url)
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		begin := func(ctx context.Context, text string) <-chan error {
			return in(func() error { return client.Send(ctx, client.ID(), []byte(text)) })
		}
		first, second, third := begin(patient(t), "a"), begin(ctx, "b"), begin(patient(t), "c")
		waiting(t, client, 3)
		cancel()
		wants(t, await(t, second, "the cancelled Send"), acurast.ErrCancelled, context.Canceled)
		waiting(t, client, 2)
		start(t, addressOf(url))
		check(t, await(t, first, "the first Send"))
		check(t, await(t, third, "the third Send"))
		send(t, client, client, "d")
		texts := []string{receive(t, client).Text(), receive(t, client).Text()}
		sort.Strings(texts)
		if strings.Join(texts, "") != "ac" {
			t.Fatal(texts)
		}
		receiveText(t, client, "d")
	})
}

func TestSendEndsWithItsDeadline(t *testing.T) {
	leakless(t)
	client := lonely(t, nowhere(t))
	long := in(func() error { return client.Send(patient(t), client.ID(), nil) })
	waiting(t, client, 1)
	for i := 0; i < 10; i++ { // the core's clock or Go's may be the first
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		wants(t, client.Send(ctx, client.ID(), nil), acurast.ErrTimeout, context.DeadlineExceeded)
		cancel()
	}
	waiting(t, client, 1)
	client.Close()
	wants(t, await(t, long, "the neighbour"), acurast.ErrClosed)
}

func TestDeadlineHoldsForAnEnqueuedPayload(t *testing.T) {
	leakless(t)
	client := lonely(t, nowhere(t))
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	check(t, client.Enqueue(ctx, client.ID(), nil))
	waiting(t, client, 0)
}

func TestContextThatIsDoneSendsNothing(t *testing.T) {
	eachService(t, func(t *testing.T, url string) {
		client := dial(t, url)
		cancelled, cancel := context.WithCancel(context.Background())
		cancel()
		expired, cancel := context.WithDeadline(context.Background(), time.Now().Add(-time.Second))
		defer cancel()
		for _, call := range []func(context.Context, acurast.ID, []byte) error{client.Send, client.Enqueue} {
			wants(t, call(cancelled, client.ID(), []byte("no")), acurast.ErrCancelled, context.Canceled)
			wants(t, call(expired, client.ID(), []byte("no")), acurast.ErrTimeout, context.DeadlineExceeded)
		}
		send(t, client, client, "yes")
		receiveText(t, client, "yes")
	})
}

func TestSendTimeout(t *testing.T) {
	leakless(t)
	client := lonely(t, nowhere(t), acurast.WithSendTimeout(20*time.Millisecond))
	err := client.Send(context.Background(), client.ID(), nil)
	wants(t, err, acurast.ErrExpired)
	if errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("%v, but its context has no deadline", err)
	}
}

func TestFullOutboxWaits(t *testing.T) {
	eachHost(t, func(t *testing.T, start host) {
		leakless(t)
		url := nowhere(t)
		client := lonely(t, url, acurast.WithOutboxCount(2))
		ctx := patient(t)
		for _, text := range []string{"a", "b"} {
			check(t, client.Enqueue(ctx, client.ID(), []byte(text)))
		}
		for _, call := range []func(context.Context, acurast.ID, []byte) error{client.Send, client.Enqueue} {
			short, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
			wants(t, call(short, client.ID(), []byte("too many")), acurast.ErrTimeout, context.DeadlineExceeded)
			cancel()
			cancelled, cancel := context.WithCancel(ctx)
			ended := in(func() error { return call(cancelled, client.ID(), []byte("too many")) })
			cancel()
			wants(t, await(t, ended, "the wait for room"), acurast.ErrCancelled, context.Canceled)
		}
		rest := in(func() error {
			for _, text := range []string{"c", "d", "e", "f"} {
				if err := client.Enqueue(ctx, client.ID(), []byte(text)); err != nil {
					return err
				}
			}
			return nil
		})
		start(t, addressOf(url))
		check(t, await(t, rest, "those that waited for room"))
		for _, text := range []string{"a", "b", "c", "d", "e", "f"} {
			receiveText(t, client, text)
		}
	})
}

func TestManyWaitForRoom(t *testing.T) {
	eachService(t, func(t *testing.T, url string) {
		client := dial(t, url, acurast.WithOutboxCount(1))
		const goroutines, each = 20, 20
		results := make(chan error, goroutines)
		for i := 0; i < goroutines; i++ {
			go func() {
				var err error
				for j := 0; j < each && err == nil; j++ {
					err = client.Send(patient(t), client.ID(), nil)
				}
				results <- err
			}()
		}
		for i := 0; i < goroutines*each; i++ {
			receive(t, client)
		}
		for i := 0; i < goroutines; i++ {
			check(t, await(t, results, "the sends"))
		}
	})
}

func TestTooLarge(t *testing.T) {
	eachService(t, func(t *testing.T, url string) {
		client := dial(t, url, acurast.WithMaxPayload(10))
		ctx := patient(t)
		wants(t, client.Send(ctx, client.ID(), make([]byte, 11)), acurast.ErrTooLarge)
		wants(t, client.Enqueue(ctx, client.ID(), make([]byte, 11)), acurast.ErrTooLarge)
		send(t, client, client, "ten bytes!")
		receiveText(t, client, "ten bytes!")
	})
}

func TestTooLargeForTheService(t *testing.T) {
	leakless(t)
	service := newService(t, acurast.WithMaxFrame(1<<16))
	client := dial(t, service.URL())
	wants(t, client.Send(patient(t), client.ID(), make([]byte, 1<<16)), acurast.ErrTooLarge)
	send(t, client, client, "smaller")
	receiveText(t, client, "smaller")
}
