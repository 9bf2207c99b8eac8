package bench

import (
	"context"
	"encoding/binary"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/libacurast/libacurast/bindings/go"
	"github.com/libacurast/libacurast/bindings/go/internal/core"
)

const (
	payloadSize = 64
	manyClients = 100
	senders     = 64   // goroutines that send with one client
	window      = 2048 // payloads that may be on their way to the receiver
)

var payload [payloadSize]byte

// compare runs a benchmark for each contestant, with clients of its own.
func compare(b *testing.B, clients int, run func(b *testing.B, clients []contestant)) {
	others := need(b)
	for _, each := range contestants {
		b.Run(each.name, func(b *testing.B) {
			ctx, cancel := context.WithTimeout(context.Background(), deadline)
			defer cancel()
			opened := make([]contestant, clients)
			for i := range opened {
				client, err := each.open(ctx, others.url)
				if err != nil {
					b.Fatal(err)
				}
				defer client.Close()
				opened[i] = client
			}
			meter := newMeter(b)
			meter.start()
			run(b, opened)
			meter.stop()
			meter.report()
		})
	}
}

// meter adds up what something cost this process.
type meter struct {
	b        *testing.B
	begin    syscall.Rusage
	micros   float64
	switches int64
}

// newMeter does not run yet.
func newMeter(b *testing.B) *meter {
	b.ReportAllocs()
	b.StopTimer()
	b.ResetTimer()
	return &meter{b: b}
}

func (m *meter) start() {
	m.begin = used()
	m.b.StartTimer()
}

func (m *meter) stop() {
	m.b.StopTimer()
	end := used()
	m.micros += processorMicroseconds(end) - processorMicroseconds(m.begin)
	m.switches += end.Nvcsw - m.begin.Nvcsw
}

func (m *meter) report() {
	m.b.ReportMetric(m.micros/float64(m.b.N), "cpu-µs/op")
	m.b.ReportMetric(float64(m.switches)/float64(m.b.N), "switches/op")
	m.b.ReportMetric(float64(m.b.N)/m.b.Elapsed().Seconds(), "per-second")
}

// used is what this process has used so far; a switch is a thread that had to wait.
func used() (used syscall.Rusage) {
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		panic(err)
	}
	return used
}

func processorMicroseconds(used syscall.Rusage) float64 {
	return float64(used.Utime.Nano()+used.Stime.Nano()) / 1e3
}

// share has goroutines do b.N things together.
func share(b *testing.B, goroutines int, do func(goroutine int) error) {
	var left atomic.Int64
	left.Store(int64(b.N))
	var group sync.WaitGroup
	for i := 0; i < goroutines; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			for left.Add(-1) >= 0 {
				if err := do(i); err != nil {
					b.Error(err)
					return
				}
			}
		}()
	}
	group.Wait()
}

func roundTrips(b *testing.B, clients []contestant) {
	ctx := context.Background()
	share(b, len(clients), func(i int) error {
		if err := clients[i].send(ctx, world.echo, payload[:]); err != nil {
			return err
		}
		_, err := clients[i].receive(ctx)
		return err
	})
}

func BenchmarkRoundTrip1(b *testing.B) { compare(b, 1, roundTrips) }

func BenchmarkRoundTrip100(b *testing.B) { compare(b, manyClients, roundTrips) }

// relayed sends one to the client itself, which comes back after all before it were relayed.
func relayed(b *testing.B, client contestant) {
	ctx := context.Background()
	if err := client.send(ctx, client.id(), payload[:]); err != nil {
		b.Fatal(err)
	}
	if _, err := client.receive(ctx); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkSend(b *testing.B) {
	compare(b, 1, func(b *testing.B, clients []contestant) {
		ctx := context.Background()
		share(b, senders, func(int) error { return clients[0].send(ctx, world.sink, payload[:]) })
		relayed(b, clients[0])
	})
}

// BenchmarkSendInTurn waits for each send before the next.
func BenchmarkSendInTurn(b *testing.B) {
	compare(b, 1, func(b *testing.B, clients []contestant) {
		ctx := context.Background()
		share(b, 1, func(int) error { return clients[0].send(ctx, world.sink, payload[:]) })
		relayed(b, clients[0])
	})
}

func BenchmarkEnqueue(b *testing.B) {
	compare(b, 1, func(b *testing.B, clients []contestant) {
		ctx := context.Background()
		share(b, 1, func(int) error { return clients[0].enqueue(ctx, world.sink, payload[:]) })
		relayed(b, clients[0])
	})
}

// ask has the source send payloads to a client.
func ask(tb testing.TB, ctx context.Context, client contestant, source acurast.ID, count int) {
	tb.Helper()
	if err := client.enqueue(ctx, source, binary.BigEndian.AppendUint32(nil, uint32(count))); err != nil {
		tb.Fatal(err)
	}
}

// received: another process sends as fast as it is asked to, which is once in half a window.
func received(tb testing.TB, ctx context.Context, client contestant, number int) {
	asked := 0
	for count := 0; count < number; count++ {
		if asked < number && asked-count <= window/2 {
			more := min(window/2, number-asked)
			ask(tb, ctx, client, world.source, more)
			asked += more
		}
		if _, err := client.receive(ctx); err != nil {
			tb.Fatal(err)
		}
	}
}

// TestAReceivedMessageAllocatesTwiceAtMost: in all of this process, whichever way it is taken.
func TestAReceivedMessageAllocatesTwiceAtMost(t *testing.T) {
	const number = 20_000
	others := need(t)
	for name, way := range map[string]func(ours) contestant{
		"Receive":  func(client ours) contestant { return client },
		"Messages": func(client ours) contestant { return byChannel{client} },
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(context.Background(), deadline)
			defer cancel()
			client, err := acurast.Dial(ctx, others.url)
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			received(t, ctx, way(ours{client}), number)
			runtime.ReadMemStats(&after)
			if each := float64(after.Mallocs-before.Mallocs) / number; each > 2 {
				t.Errorf("%.2f allocations a message", each)
			}
		})
	}
}

func BenchmarkReceive(b *testing.B) {
	compare(b, 1, func(b *testing.B, clients []contestant) { received(b, context.Background(), clients[0], b.N) })
}

// BenchmarkMessages is BenchmarkReceive where ours gives its messages by a channel, too.
func BenchmarkMessages(b *testing.B) {
	compare(b, 1, func(b *testing.B, clients []contestant) {
		client := clients[0]
		if own, is := client.(ours); is {
			client = byChannel{own}
		}
		received(b, context.Background(), client, b.N)
	})
}

// BenchmarkHandshake opens clients one after another. One stays open, so that what all clients share is not made anew each time.
func BenchmarkHandshake(b *testing.B) {
	others := need(b)
	for _, each := range contestants {
		b.Run(each.name, func(b *testing.B) {
			open := func() contestant {
				client, err := each.open(context.Background(), others.url)
				if err != nil {
					b.Fatal(err)
				}
				return client
			}
			defer open().Close()
			meter := newMeter(b)
			for left := b.N; left > 0; left -= manyClients {
				opened := make([]contestant, min(left, manyClients))
				meter.start()
				for i := range opened {
					opened[i] = open()
				}
				meter.stop()
				for _, client := range opened {
					client.Close()
				}
			}
			meter.report()
		})
	}
}

// BenchmarkCgoCall is what a call from Go into C costs by itself.
func BenchmarkCgoCall(b *testing.B) {
	for i := 0; i < b.N; i++ {
		core.Nothing()
	}
}
