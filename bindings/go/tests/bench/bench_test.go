package bench

import (
	"context"
	"encoding/binary"
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
			measure(b, func() { run(b, opened) })
		})
	}
}

// measure adds what a message cost this process.
func measure(b *testing.B, run func()) {
	b.ReportAllocs()
	b.ResetTimer()
	begin := used()
	run()
	b.StopTimer()
	end := used()
	b.ReportMetric((processorMicroseconds(end)-processorMicroseconds(begin))/float64(b.N), "cpu-µs/op")
	b.ReportMetric(float64(end.Nvcsw-begin.Nvcsw)/float64(b.N), "switches/op")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "per-second")
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
		if err := clients[i].enqueue(ctx, world.echo, payload[:]); err != nil {
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

// BenchmarkReceive: another process sends as fast as it is asked to, which is once in half a window.
func BenchmarkReceive(b *testing.B) {
	compare(b, 1, func(b *testing.B, clients []contestant) {
		ctx, client, asked := context.Background(), clients[0], 0
		for received := 0; received < b.N; received++ {
			if asked < b.N && asked-received <= window/2 {
				more := min(window/2, b.N-asked)
				ask(b, ctx, client, world.source, more)
				asked += more
			}
			if _, err := client.receive(ctx); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkHandshake: one client stays open, so that what all clients share is not made anew each time.
func BenchmarkHandshake(b *testing.B) {
	others := need(b)
	for _, each := range contestants {
		b.Run(each.name, func(b *testing.B) {
			ctx := context.Background()
			open := func() contestant {
				client, err := each.open(ctx, others.url)
				if err != nil {
					b.Fatal(err)
				}
				return client
			}
			defer open().Close()
			measure(b, func() {
				for i := 0; i < b.N; i++ {
					open().Close()
				}
			})
		})
	}
}

// BenchmarkCgoCall is what a call from Go into C costs by itself.
func BenchmarkCgoCall(b *testing.B) {
	for i := 0; i < b.N; i++ {
		core.Nothing()
	}
}
