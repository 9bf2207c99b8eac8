// Command asker is who asks in the rows of requests of `make bench`, in Go: by Request, and by hand.
//
//	asker URL MS WAYS ROWS ID...
//
// As tests/bench/asker.c, whose lines of JSON these are.
package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	acurast "github.com/libacurast/libacurast/bindings/go"
)

const (
	method  = "price"
	timeout = 2 * time.Second
	warmUp  = 50 * time.Millisecond
	need    = 3
)

var params = map[string]string{"pair": "EUR/CHF"}

type price struct {
	Pair  string  `json:"pair"`
	Price float64 `json:"price"`
}

// withTimeout gives a context to what is asked, as a program does.
func withTimeout(ask func(ctx context.Context) error) func() error {
	return func() error {
		ctx, cancel := context.WithTimeout(context.Background(), timeout)
		defer cancel()
		return ask(ctx)
	}
}

// request is how the library is asked.
func request(client *acurast.Client, ids []acurast.ID) map[string]func() error {
	return map[string]func() error{
		"one": withTimeout(func(ctx context.Context) error {
			var result price
			return client.Request(ctx, ids[0], method, params, &result)
		}),
		"many": withTimeout(func(ctx context.Context) error {
			var result price
			_, err := client.RequestMany(ctx, ids, method, params, &result, acurast.Need(need), acurast.Agree())
			return err
		}),
		"absent": withTimeout(func(ctx context.Context) error {
			var nobody acurast.ID
			rand.Read(nobody[:])
			if err := client.Request(ctx, nobody, method, params, nil); !errors.Is(err, acurast.ErrNotHere) {
				return fmt.Errorf("somebody is there: %w", err)
			}
			return nil
		}),
	}
}

// byHandWays is how it is asked by hand.
func byHandWays(hand *byHand, ids []acurast.ID) map[string]func() error {
	one := withTimeout(func(ctx context.Context) error {
		var result price
		return hand.request(ctx, ids[0], method, params, &result)
	})
	many := withTimeout(func(ctx context.Context) error {
		_, err := hand.requestMany(ctx, ids, method, params, need)
		return err
	})
	return map[string]func() error{"one": one, "many": many, "absent": one}
}

// keepOpen keeps so many requests open for a time, and returns how long each took.
func keepOpen(ask func() error, window int, during time.Duration) []time.Duration {
	var group sync.WaitGroup
	times := make([][]time.Duration, window)
	end := time.Now().Add(during)
	for i := range times {
		group.Add(1)
		go func() {
			defer group.Done()
			for begin := time.Now(); begin.Before(end); begin = time.Now() {
				if err := ask(); err != nil {
					log.Fatal(err)
				}
				times[i] = append(times[i], time.Since(begin))
			}
		}()
	}
	group.Wait()
	return slices.Concat(times...)
}

func processorTime() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		log.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

func microseconds(time time.Duration) float64 { return float64(time.Nanoseconds()) / 1e3 }

func step(row, way string, ask func() error, window int, during time.Duration) {
	keepOpen(ask, window, warmUp)
	begin, cpu := time.Now(), processorTime()
	times := keepOpen(ask, window, during)
	cpu = processorTime() - cpu
	seconds := time.Since(begin).Seconds()
	slices.Sort(times)
	quantile := func(part float64) float64 {
		return microseconds(times[min(int(float64(len(times))*part), len(times)-1)])
	}
	line, err := json.Marshal(map[string]any{
		"row": row, "way": way, "cpu_us": microseconds(cpu) / float64(len(times)), "rate": float64(len(times)) / seconds,
		"p50_us": quantile(0.5), "p99_us": quantile(0.99),
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(line))
}

func dial(url string) *acurast.Client {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	client, err := acurast.Dial(ctx, url)
	if err != nil {
		log.Fatal(err)
	}
	return client
}

func main() {
	log.SetFlags(0)
	if len(os.Args) < 6 {
		log.Fatal("usage: asker URL MS WAYS ROWS ID...")
	}
	url, ways, rows := os.Args[1], os.Args[3], os.Args[4]
	milliseconds, err := strconv.Atoi(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	var ids []acurast.ID
	for _, each := range os.Args[5:] {
		ids = append(ids, acurast.MustParseID(each))
	}
	client, other := dial(url), dial(url)
	asks := map[string]map[string]func() error{
		"request": request(client, ids),
		"hand":    byHandWays(newByHand(other), ids),
	}
	for _, row := range strings.Split(rows, ",") {
		for _, way := range strings.Split(ways, ",") {
			window, what := 1, row
			if number, err := strconv.Atoi(row); err == nil {
				window, what = number, "one"
			}
			step(row, way, asks[way][what], window, time.Duration(milliseconds)*time.Millisecond)
		}
	}
	client.Close()
	other.Close()
}
