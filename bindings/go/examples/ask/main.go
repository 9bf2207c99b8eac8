// Command ask asks a processor five times, one after the other: `ask URL PROCESSOR TEXT`. It prints the median round trip in ms, a tab,
// and the answer.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"slices"
	"strings"
	"time"
	"unicode"

	acurast "github.com/libacurast/libacurast/bindings/go"
)

const times = 5

func main() {
	if len(os.Args) != 4 {
		log.Fatal("usage: ask URL PROCESSOR TEXT")
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		log.Fatal(err)
	}
}

func run(url, processor, text string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	to, err := acurast.ParseID(processor)
	if err != nil {
		return err
	}
	client, err := acurast.Dial(ctx, url)
	if err != nil {
		return err
	}
	defer client.Close()
	var answer acurast.Message
	took := make([]time.Duration, times)
	for i := range took {
		began := time.Now()
		if err := client.Send(ctx, to, []byte(text)); err != nil {
			return err
		}
		if answer, err = client.Receive(ctx); err != nil {
			return err
		}
		took[i] = time.Since(began)
	}
	slices.Sort(took)
	fmt.Printf("%.3f\t%s\n", float64(took[times/2].Microseconds())/1000, printable(answer.Text()))
	return nil
}

// printable keeps what a stranger wrote from steering the terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, text)
}
